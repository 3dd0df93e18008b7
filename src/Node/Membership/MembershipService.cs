using System.Threading.Channels;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;

namespace Kv.Node.Membership;

/// <summary>
/// The sole owner of what this node believes of its peers. Streams hand it beats, it judges silences, asks others before it accuses, and publishes
/// the view. One loop, one bounded mailbox, no lock; time, randomness and the network are its arguments.
/// </summary>
/// <remarks>
/// A peer becomes suspect when its silence is improbable (<see cref="FailureDetector"/>) and dead when up to <see cref="MembershipOptions.ProbeWitnesses"/>
/// other live peers do not hear it either, or nobody else is alive to ask. While one of them hears it, it stays suspect: in the view, but not reachable.
/// A beat makes any peer alive at once, but for one that says that its sender has ended.
/// </remarks>
internal sealed class MembershipService
{
    // Nodes that beat here without being members: a few join at a time. Beyond this, strangers are not remembered.
    private const int MostStrangers = 64;

    private readonly NodeIdentity _self;
    private readonly Published<ClusterTopology> _topology;
    private readonly IPeerTransport _transport;
    private readonly MembershipOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger<MembershipService> _logger;
    private readonly Channel<MembershipEvent> _mailbox;
    private readonly SortedDictionary<NodeAddress, PeerRecord> _peers = [];
    private ClusterTopology? _followed;
    private TimeSpan _lastWake;
    private long _testifiesFromTicks;

    /// <summary>Draws from <paramref name="random"/> only inside its loop, so the generator must not be shared with another one.</summary>
    public MembershipService(
        NodeIdentity self,
        Published<ClusterTopology> topology,
        IPeerTransport transport,
        MembershipOptions options,
        TimeProvider time,
        Random random,
        ILogger<MembershipService> logger)
    {
        _self = self;
        _topology = topology;
        _transport = transport;
        _options = options;
        _time = time;
        _random = random;
        _logger = logger;
        _mailbox = Channel.CreateBounded<MembershipEvent>(new BoundedChannelOptions(options.MailboxCapacity) { SingleReader = true });
        FollowTopology();
        View = new(Snapshot(time.Monotonic()));
    }

    /// <summary>Who is alive. A new version with every beat and every evaluation.</summary>
    public Published<MembershipView> View { get; }

    /// <summary>Takes in a beat that <see cref="HeartbeatGate"/> admitted, from a stream of either direction. Never blocks: when the loop is behind, it drops it.</summary>
    public void Heard(Heartbeat beat)
    {
        if (!_mailbox.Writer.TryWrite(new MembershipEvent.Beat(beat))) MembershipLog.BeatDropped(_logger, beat.From);
    }

    /// <summary>
    /// This node's testimony about <paramref name="target"/>: true only when it is not suspected here and was heard within
    /// <see cref="MembershipOptions.ProbeFreshness"/>. Not right after this process stood still: what it hears then its kernel took in meanwhile, and whoever
    /// sent it may be dead since.
    /// </summary>
    public bool Hears(NodeAddress target) =>
        target.Equals(_self.Address)
        || (View.Current.Find(target) is { State: PeerState.Alive } peer
            && _time.Monotonic() - peer.LastHeard <= _options.ProbeFreshness
            && _time.Monotonic().Ticks >= Volatile.Read(ref _testifiesFromTicks));

    /// <summary>Judges until cancelled; a failure of its own comes out.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // A tick that finds the mailbox full is not missed: whatever is in there wakes the loop.
        await using var ticker = _time.CreateTimer(
            _ => _mailbox.Writer.TryWrite(MembershipEvent.Tick.Instance), null, _options.EvaluationInterval, _options.EvaluationInterval);
        _lastWake = _time.Monotonic();
        try
        {
            while (await _mailbox.Reader.WaitToReadAsync(cancellation)) await TurnAsync(stop.Token);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        finally
        {
            stop.Cancel();
            await Task.WhenAll(_peers.Values.Select(peer => peer.Probe));
        }
    }

    // 1. excuse this process's own pause, 2. hear, 3. judge, 4. publish. Pauses come before beats, because a beat ends the silence that the pause was
    // part of; beats come before judgement, because a beat that waits in the mailbox is no silence.
    private async ValueTask TurnAsync(CancellationToken stop)
    {
        var now = _time.Monotonic();
        ExcuseOwnPause(now);
        FollowTopology();
        while (_mailbox.Reader.TryRead(out var happened)) Apply(happened, now);
        await EvaluateAsync(now, stop);
        View.Publish(Snapshot(now));
    }

    // The ticker wakes the loop every evaluation interval at the latest. If that comes much later, this process did not run: a collection, a busy or
    // suspended machine, a debugger. It could not have heard anyone meanwhile.
    private void ExcuseOwnPause(TimeSpan now)
    {
        var late = now - _lastWake - _options.EvaluationInterval;
        _lastWake = now;
        if (late <= _options.PauseThreshold) return;
        MembershipLog.Paused(_logger, late.TotalMilliseconds);
        Volatile.Write(ref _testifiesFromTicks, (now + (late < _options.ProbeFreshness ? late : _options.ProbeFreshness)).Ticks);
        foreach (var peer in _peers.Values) peer.ObserverPaused(late);
    }

    private void FollowTopology()
    {
        var topology = _topology.Current;
        if (ReferenceEquals(topology, _followed)) return;
        _followed = topology;
        var members = topology.Members.Where(member => !member.Equals(_self.Address)).ToHashSet();
        foreach (var peer in _peers.Values.Where(peer => peer.IsMember && !members.Contains(peer.Address)).ToList())
        {
            // Still running, it goes on beating until it learns of the new topology; it is remembered as a stranger until it falls silent.
            peer.IsMember = false;
            MembershipLog.Left(_logger, peer.Address);
            if (peer.State is PeerState.Unknown or PeerState.Dead) _peers.Remove(peer.Address);
        }

        foreach (var member in members)
        {
            var peer = Remember(member);
            peer.IsMember = true;
            // Whoever else is at the address has not been admitted: it lost its data, and neither serves nor acknowledges anything.
            peer.Admitted = topology.IsSealed ? topology.IncarnationAt(member) : null;
        }
    }

    private PeerRecord Remember(NodeAddress address)
    {
        if (_peers.TryGetValue(address, out var known)) return known;
        return _peers[address] = new(address, _options.Detector, _options.StreamSilenceLimit);
    }

    private void Apply(MembershipEvent happened, TimeSpan now)
    {
        switch (happened)
        {
            case MembershipEvent.Beat { Heartbeat: var beat }:
                Hear(beat, now);
                break;
            case MembershipEvent.Testimony testimony:
                Weigh(testimony, now);
                break;
            case MembershipEvent.Tick:
                break;
        }
    }

    private void Hear(Heartbeat beat, TimeSpan now)
    {
        if (!_peers.ContainsKey(beat.From) && _peers.Values.Count(known => !known.IsMember) >= MostStrangers) return;
        var peer = Remember(beat.From);
        var former = peer.Incarnation;
        switch (peer.Take(beat, now, _time.GetUtcNow().ToUnixTimeMilliseconds()))
        {
            case PeerChange.None:
                MembershipLog.Heard(_logger, beat.From);
                break;
            case PeerChange.Joined:
                MembershipLog.Joined(_logger, beat.From, beat.Incarnation);
                break;
            case PeerChange.Cleared:
                MembershipLog.Cleared(_logger, beat.From);
                break;
            case PeerChange.Returned:
                MembershipLog.Returned(_logger, beat.From, beat.Incarnation);
                break;
            case PeerChange.Replaced:
                MembershipLog.Replaced(_logger, beat.From, former, beat.Incarnation);
                break;
            case PeerChange.Ignored:
                MembershipLog.LeftoverIgnored(_logger, beat.From, beat.Incarnation);
                break;
            case PeerChange.Leaving:
                MembershipLog.Leaving(_logger, beat.From);
                break;
            case PeerChange.Gone:
                MembershipLog.Gone(_logger, beat.From);
                // Its connections stay, unlike a dead one's: what it has answered is still on its way, and it ends them itself.
                if (!peer.IsMember) _peers.Remove(peer.Address);
                break;
        }
    }

    private async ValueTask EvaluateAsync(TimeSpan now, CancellationToken stop)
    {
        // All suspicions before any question: when this node is cut off from everyone at once, those who are about to be suspected are no witnesses.
        foreach (var peer in _peers.Values)
        {
            if (peer.BecomesSuspect(now))
            {
                MembershipLog.Suspected(_logger, peer.Address, peer.Silence(now).TotalMilliseconds);
                // Whatever connections there are do not carry its beats: new ones are made, and are there as soon as a cut heals.
                _transport.Reset(peer.Address);
            }

            // A question that failed other than by going unanswered is a bug, and comes out here.
            if (peer.Probe.IsFaulted) await peer.Probe;
        }

        foreach (var peer in _peers.Values.Where(peer => peer.IsProbeDue(now)).ToList()) Accuse(peer, now, stop);
    }

    private void Accuse(PeerRecord suspect, TimeSpan now, CancellationToken stop)
    {
        NodeAddress[] alive = [.. _peers.Values.Where(peer => peer.IsMember && peer.State is PeerState.Alive).Select(peer => peer.Address)];
        _random.Shuffle(alive);
        var witnesses = alive.AsSpan(0, Math.Min(alive.Length, _options.ProbeWitnesses)).ToArray();
        if (witnesses.Length == 0) HoldDead(suspect, 0, now);
        else suspect.Probe = AskAsync(suspect.Address, suspect.BeginProbe(now + _options.ProbeInterval), witnesses, stop);
    }

    private void Weigh(MembershipEvent.Testimony testimony, TimeSpan now)
    {
        if (!_peers.TryGetValue(testimony.Suspect, out var suspect) || !suspect.IsAwaiting(testimony.Round)) return;
        if (testimony.Heard) MembershipLog.HeardByOthers(_logger, suspect.Address);
        else HoldDead(suspect, testimony.Witnesses, now);
    }

    private void HoldDead(PeerRecord suspect, int witnesses, TimeSpan now)
    {
        suspect.Accuse();
        MembershipLog.Dead(_logger, suspect.Address, suspect.Silence(now).TotalMilliseconds, witnesses);
        _transport.Reset(suspect.Address);
        if (!suspect.IsMember) _peers.Remove(suspect.Address);
    }

    private async Task AskAsync(NodeAddress suspect, int round, NodeAddress[] witnesses, CancellationToken stop)
    {
        using var timeout = new CancellationTokenSource(_options.ProbeTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, timeout.Token);
        var answers = await Task.WhenAll(witnesses.Select(witness => AskAsync(witness, suspect, either.Token)));
        try
        {
            await _mailbox.Writer.WriteAsync(new MembershipEvent.Testimony(suspect, round, answers.Length, answers.Contains(true)), stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private async Task<bool> AskAsync(NodeAddress witness, NodeAddress suspect, CancellationToken cancellation)
    {
        try
        {
            return await _transport.ProbeAsync(witness, suspect, cancellation);
        }
        catch (PeerUnavailableException)
        {
            return false;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private MembershipView Snapshot(TimeSpan now) => new(_self.Address, _peers.Values.Select(peer => peer.ToView(now)));
}
