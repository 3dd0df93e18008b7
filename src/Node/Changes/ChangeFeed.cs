using System.Runtime.CompilerServices;
using Kv.Common.Causality;
using Kv.Common.Changes;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Changes;

/// <summary>
/// One client's feed (docs/protocols/change-feed.md). Asks the shards round by round, tells what <see cref="ChangeMerge"/> lets go on, and where a log does not reach back, tells the state
/// instead. Goes on by itself when replicas die and when the layout changes. Holds one answer of each shard, and asks for the next when its client has taken that.
/// </summary>
internal sealed class ChangeFeed(
    Published<ClusterTopology> topology, ReadOnlyMemory<byte> prefix, FeedStart start, Func<ReplicaGroup, ShardReplicas> replicasOf, TimeProvider time, ChangesOptions options, KvMetrics metrics)
    : IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    // What a shard is to be asked at once, at most, to hear only how much it holds.
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(1);

    // How often logs may be trimmed under a snapshot.
    private const int MostOutruns = 2;

    private readonly HashSet<ChangeLane> _toScan = [];
    private readonly OpenScans _scans = new();
    private ChangeMerge _merge = new([], (_, _) => false, VersionVector.Empty);
    private Dictionary<ChangeLane, ShardReplicas> _replicas = [];
    private Epoch _epoch;
    private int _layout = -1;
    private bool _isForgotten;

    // The client has nothing yet that it could go on from.
    private bool _isFresh;

    // Lanes whose scan is that of a client that has nothing.
    private readonly HashSet<ChangeLane> _unlisted = [];

    // Within a snapshot: what was told is not whole yet, and is so once this was passed.
    private bool _isOpen;
    private VersionVector _named = VersionVector.Empty;
    private VersionVector _past = VersionVector.Empty;
    private VersionVector? _whole;
    private int _outruns;

    private readonly Dictionary<ChangeLane, Task<ChangeAnswer?>> _watches = [];
    private CancellationTokenSource _watching = new();

    private long _lastSaid = time.GetTimestamp();
    private long? _stuckSince;
    private readonly HashSet<Dot> _lost = [];
    private VersionVector _lastPoint = VersionVector.Empty;

    private ResumePoint Point => new(_epoch, _merge.Passed);

    /// <summary>Finds out whether it can begin, and where; before anything is told. Asked once.</summary>
    public async ValueTask<FeedOpening> OpenAsync(CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(options.OpenTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        var outcome = FeedOpening.Unavailable;
        try
        {
            var past = start switch
            {
                FeedStart.Now now => now.Past,
                FeedStart.Beginning beginning => beginning.Past,
                FeedStart.After after => new CausalToken(after.Point.Epoch, default, after.Point.Passed),
                _ => throw new System.Diagnostics.UnreachableException(),
            };
            var view = await topology.WaitAsync(next => next.Epoch >= past.Epoch, either.Token);
            _isFresh = start is FeedStart.Beginning;
            Follow(view, start is FeedStart.After ? past.Dependencies : VersionVector.Empty);
            while (true)
            {
                outcome = start is FeedStart.After ? await LookBackAsync(either.Token) : await LookAsync(past, start is FeedStart.Now, either.Token);
                if (outcome is FeedOpening.Open or FeedOpening.Forgotten) return outcome;
                await Task.Delay(RetryAfter, time, either.Token);
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return outcome;
        }
    }

    /// <summary>Tells until cancelled, or to the <see cref="ChangeEvent.Reset"/> that ends it.</summary>
    public async IAsyncEnumerable<ChangeEvent> RunAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        if (!_isFresh) yield return Say(Checkpoint());
        while (true)
        {
            // 1. A layout that has changed: other shards, and the point means the same to them.
            if (topology.Current is var view && view.Layout != _layout)
            {
                await _scans.DisposeAsync();
                Follow(view, _merge.Passed);
            }

            // 2. The state, where there is nothing else to begin with.
            if (_toScan.Count > 0)
            {
                if (!_isOpen) yield return Say(new ChangeEvent.Snapshot(_isFresh));
                (_isOpen, _whole) = (true, null);
                await foreach (var told in ScanAsync(_toScan.First(), cancellation)) yield return Say(told);
            }

            // 3. A round of questions, and what it lets go on.
            if (!_isForgotten && _toScan.Count == 0) await AskAsync(cancellation);
            while (_toScan.Count == 0 && !_isForgotten && _merge.TryNext(_epoch, IsLost, out var record, out var lane))
            {
                (_stuckSince, _lastPoint) = (null, _merge.Passed);
                metrics.ChangeTold();
                yield return Say(new ChangeEvent.Changed(record, lane.Group.Shard, _isOpen ? null : Point));
            }

            if (_outruns > MostOutruns || (_isForgotten && !_isFresh))
            {
                yield return new ChangeEvent.Reset(_outruns > MostOutruns);
                yield break;
            }

            if (_isForgotten) await BeginAnewAsync();

            // 4. A snapshot is whole when everything was passed that it may depend on.
            if (_isOpen && _toScan.Count == 0 && _merge.HasAnswers)
            {
                _whole ??= _merge.Lanes.Aggregate(_named, (all, lane) => all.Join(lane.Cut));
                if (_merge.HasPassed(_whole, IsLost))
                {
                    (_isOpen, _isFresh, _named, _outruns) = (false, false, VersionVector.Empty, 0);
                    await _scans.DisposeAsync();
                    yield return Say(Checkpoint());
                }
            }

            // 5. Wait until there is more, and say meanwhile that there is not.
            if (time.GetElapsedTime(_lastSaid) >= options.HeartbeatInterval) yield return Say(Beat());
            if (_toScan.Count == 0) await UntilThereIsMoreAsync(cancellation);
        }
    }

    /// <summary>Nobody is watched any longer, and no log kept.</summary>
    public async ValueTask DisposeAsync()
    {
        EndWatching();
        await _scans.DisposeAsync();
    }

    private ChangeEvent Say(ChangeEvent told)
    {
        _lastSaid = time.GetTimestamp();
        return told;
    }

    private ChangeEvent.Checkpoint Checkpoint()
    {
        _lastPoint = _merge.Passed;
        return new(Point);
    }

    private ChangeEvent Beat() => _isOpen || _merge.Passed.Equals(_lastPoint)
        ? new ChangeEvent.Idle(_merge.Hindrance switch
        {
            Hindrance.Silence => $"waiting for a replica of shard {string.Join(", ", _merge.Silent.Select(lane => lane.Group.Shard))}",
            Hindrance.Dependency => "waiting for a write that the next change depends on",
            Hindrance.Epoch => "waiting for a newer topology",
            _ => "nothing new",
        })
        : Checkpoint();

    private void Follow(ClusterTopology view, VersionVector passed)
    {
        Unwatch();
        (_layout, _epoch) = (view.Layout, view.Epoch);
        _merge = new(view.Shards.Select(shard => view.GroupOf(shard.Id)), view.Concerns, passed);
        _replicas = _merge.Lanes.ToDictionary(lane => lane, lane => replicasOf(lane.Group));
        _whole = null;
        _toScan.Clear();
        _unlisted.Clear();
        if (_isFresh) BeginAnew();
    }

    private async ValueTask BeginAnewAsync()
    {
        await _scans.DisposeAsync();
        BeginAnew();
    }

    // The client is told to forget what it has.
    private void BeginAnew()
    {
        (_isOpen, _isForgotten, _named) = (false, false, _past);
        _toScan.UnionWith(_merge.Lanes);
        _unlisted.UnionWith(_merge.Lanes);
    }

    private async ValueTask<FeedOpening> LookAsync(CausalToken past, bool isStart, CancellationToken cancellation)
    {
        var view = topology.Current;
        if (view.Layout != _layout) Follow(view, VersionVector.Empty);
        var isMissing = false;
        foreach (var lane in _merge.Lanes)
        {
            if (await _replicas[lane].AskAsync(Question(lane, VersionVector.Empty, AtOnce), cancellation) is not ChangeAnswer.Told(var news)) return FeedOpening.Unavailable;
            lane.Hear(news.Cut);
            if (isStart) _merge.Begin(lane, news.Cut);
            isMissing |= !news.Cut.Covers(view.Concerning(lane.Group, past.Dependencies));
        }

        _named = _past = past.Dependencies;
        return isMissing ? FeedOpening.PastMissing : FeedOpening.Open;
    }

    private async ValueTask<FeedOpening> LookBackAsync(CancellationToken cancellation)
    {
        if (topology.Current is var view && view.Layout != _layout) Follow(view, _merge.Passed);
        await AskAsync(cancellation);
        return _isForgotten ? FeedOpening.Forgotten : _merge.Lanes.All(lane => _toScan.Contains(lane) || !_merge.Silent.Contains(lane)) ? FeedOpening.Open : FeedOpening.Unavailable;
    }

    private ChangeQuestion Question(ChangeLane lane, VersionVector passed, TimeSpan? wait) =>
        new(_epoch, lane.Group, prefix, passed, Math.Max(1, options.MaxBytesPerFeed / _merge.Lanes.Count), wait);

    private async ValueTask AskAsync(CancellationToken cancellation)
    {
        _epoch = topology.Current.Epoch;
        _merge.BeginRound();
        var answers = await Task.WhenAll(_merge.Lanes.Select(async lane => (Lane: lane, Answer: await _replicas[lane].AskAsync(Question(lane, lane.Passed, null), cancellation))));
        if (_isOpen && answers.Any(each => each.Answer is ChangeAnswer.BeyondLog)) _outruns++;
        foreach (var (lane, answer) in answers)
        {
            if (answer is ChangeAnswer.Told(var news)) _merge.Take(lane, news);
            else if (answer is ChangeAnswer.BeyondLog { IsForgotten: true }) _isForgotten = true;
            else if (answer is ChangeAnswer.BeyondLog) _toScan.Add(lane);
        }
    }

    private async IAsyncEnumerable<ChangeEvent> ScanAsync(ChangeLane lane, [EnumeratorCancellation] CancellationToken cancellation)
    {
        metrics.ChangesScanned();
        var isAll = _unlisted.Contains(lane);
        _epoch = topology.Current.Epoch;
        var scan = new ChangeScan(_epoch, lane.Group, prefix, isAll ? _named : lane.Passed, isAll);
        var (cut, isTold, isWhole) = (default(VersionVector), false, false);
        var pieces = _replicas[lane].ScanAsync(scan, cancellation).GetAsyncEnumerator(cancellation);
        try
        {
            while (!isWhole && await pieces.MoveNextAsync())
            {
                switch (pieces.Current)
                {
                    case ChangePiece.Cut told:
                        cut = told.Vector;
                        break;
                    case ChangePiece.Records records:
                        foreach (var record in records.All)
                        {
                            isTold = true;
                            _named = _named.Join(record.OpenedToken.Dependencies);
                            metrics.ChangeTold();
                            yield return new ChangeEvent.Changed(record, lane.Group.Shard, null);
                        }

                        if (time.GetElapsedTime(_lastSaid) >= options.HeartbeatInterval) yield return new ChangeEvent.Idle("reading");
                        break;
                    case ChangePiece.End end:
                        isWhole = true;
                        _isForgotten |= end.IsForgotten;
                        break;
                }
            }
        }
        finally
        {
            // Left open, so that the log is kept until everything was passed that came meanwhile.
            if (isWhole) await _scans.KeepAsync(lane, pieces);
            else await pieces.DisposeAsync();
        }

        if (isWhole && cut is not null)
        {
            lane.Hear(cut);
            _merge.Begin(lane, cut);
            _toScan.Remove(lane);
            _unlisted.Remove(lane);
            yield break;
        }

        // What was told of a list that broke off may be deleted before the next one is begun, which leaves deletions out.
        if (isAll && isTold) await BeginAnewAsync();
        await Task.Delay(RetryAfter, time, cancellation);
    }

    private async ValueTask UntilThereIsMoreAsync(CancellationToken cancellation)
    {
        if (_merge.Hindrance is Hindrance.Dependency || (_isOpen && _merge.Hindrance is Hindrance.Nothing)) _stuckSince ??= time.GetTimestamp();
        else _stuckSince = null;
        if (!_merge.HasAnswers || _merge.Hindrance is Hindrance.Epoch)
        {
            await Task.Delay(RetryAfter, time, cancellation);
            return;
        }

        // What was not told at once is asked for at once.
        if (!_merge.IsWhole && _merge.Hindrance is not Hindrance.Dependency) return;
        if (options.Pause > TimeSpan.Zero) await Task.Delay(options.Pause, time, cancellation);
        if (_merge.Hindrance is Hindrance.Unread) return;
        var left = options.HeartbeatInterval - time.GetElapsedTime(_lastSaid);
        if (_stuckSince is not null && left > RetryAfter) left = RetryAfter;
        if (left > TimeSpan.Zero) await WatchAsync(left, cancellation);
    }

    // Until some shard has more, or there is another layout. A shard that has nothing is watched on while the others are asked.
    private async ValueTask WatchAsync(TimeSpan most, CancellationToken cancellation)
    {
        foreach (var lane in _merge.Lanes)
        {
            if (!_watches.ContainsKey(lane)) _watches[lane] = WatchAsync(lane, _watching.Token);
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny([.. _watches.Values, Task.Delay(most, time, either.Token), LayoutAsync(either.Token)]);
        either.Cancel();
        cancellation.ThrowIfCancellationRequested();
        // Heard only here, between rounds: what is told while the others are asked was not told before.
        foreach (var (lane, watch) in _watches.Where(each => each.Value.IsCompleted).ToList())
        {
            _watches.Remove(lane);
            if (await watch is ChangeAnswer.Told(var news)) lane.Hear(news.Cut);
        }
    }

    private async Task<ChangeAnswer?> WatchAsync(ChangeLane lane, CancellationToken cancellation)
    {
        try
        {
            var answer = await _replicas[lane].AskAsync(Question(lane, lane.Cut, options.HeartbeatInterval), cancellation);
            if (answer is not ChangeAnswer.Told) await Task.Delay(RetryAfter, time, cancellation);
            return answer;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private async Task LayoutAsync(CancellationToken cancellation)
    {
        var known = _layout;
        await topology.WaitAsync(next => next.Layout != known, cancellation);
    }

    private void EndWatching()
    {
        _watching.Cancel();
        _watching.Dispose();
    }

    private void Unwatch()
    {
        EndWatching();
        _watching = new();
        _watches.Clear();
    }

    // Whoever is a member may come back with it. Once is enough: others may depend on it as well.
    private bool IsLost(Dot dot)
    {
        if (_lost.Contains(dot)) return true;
        if (_stuckSince is not { } since || time.GetElapsedTime(since) < options.LostAfter) return false;
        var view = topology.Current;
        if (!view.IsSealed || view.Members.Any(member => view.IncarnationAt(member) == dot.Origin.Incarnation)) return false;
        return _lost.Add(dot);
    }
}
