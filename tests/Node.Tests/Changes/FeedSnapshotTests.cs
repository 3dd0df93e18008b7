using System.Runtime.CompilerServices;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Changes;
using Kv.Node.Peers;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Tests.Changes;

/// <summary>How a feed's snapshot ends, by what the one replica there is answers: Ben's, to Anna, who has no shard.</summary>
public sealed class FeedSnapshotTests : IDisposable
{
    private static readonly NodeAddress Anna = NodeAddress.Parse("10.10.0.2:8080");
    private static readonly NodeAddress Ben = NodeAddress.Parse("10.10.0.3:8080");
    private static readonly Dot Written = new(new(new(2), new(0, new(0))), 7);
    private static readonly Published<ClusterTopology> Topology = new(new(new(1), new(2), [new(Anna, new(1)), new(Ben, new(2))], [new(new(0), [Ben])], [1]));
    private static readonly Published<MembershipView> Membership = new(new(Anna,
    [
        new(Ben, PeerState.Alive, true, new(2), new(2), 0, VersionVector.Empty, new(0, new(0)), null, false, 1, true, true, TimeSpan.Zero, 0, TimeSpan.Zero),
    ]));

    private readonly KvMetrics _metrics = new();
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromSeconds(30));

    public void Dispose()
    {
        _metrics.Dispose();
        _patience.Dispose();
    }

    [Fact]
    public async Task The_log_is_kept_until_everything_was_passed_that_came_during_the_snapshot_and_no_longer()
    {
        var ben = new Replica(new ChangeAnswer.Told(new(VersionVector.Of(Written), [], IsWhole: true)));
        await using var feed = Feed(ben);
        Assert.Equal(FeedOpening.Open, await feed.OpenAsync(_patience.Token));
        await using var told = feed.RunAsync(_patience.Token).GetAsyncEnumerator(_patience.Token);

        Assert.True(await told.MoveNextAsync());
        Assert.Equal(new ChangeEvent.Snapshot(IsAll: true), told.Current);
        Assert.True(await told.MoveNextAsync());
        Assert.IsType<ChangeEvent.Checkpoint>(told.Current);
        Assert.Equal((1, 0), (ben.OpenWhenAsked, ben.Open));
    }

    [Fact]
    public async Task Who_ends_within_a_snapshot_has_no_log_kept()
    {
        var ben = new Replica(new ChangeAnswer.BeyondLog(IsForgotten: false));
        await using (var feed = Feed(ben))
        {
            await feed.OpenAsync(_patience.Token);
            await using var told = feed.RunAsync(_patience.Token).GetAsyncEnumerator(_patience.Token);
            while (await told.MoveNextAsync() && told.Current is ChangeEvent.Snapshot) Assert.InRange(ben.Open, 0, 1);
        }

        Assert.Equal(0, ben.Open);
    }

    [Theory]
    [InlineData(true, 3)]
    [InlineData(false, 1)]
    public async Task A_snapshot_under_which_the_log_is_trimmed_each_time_is_given_up(bool isForgotten, int begun)
    {
        await using var feed = Feed(new(new ChangeAnswer.BeyondLog(isForgotten)));
        await feed.OpenAsync(_patience.Token);
        var told = new List<ChangeEvent>();
        await foreach (var each in feed.RunAsync(_patience.Token))
        {
            told.Add(each);
            Assert.True(told.Count < 20, "It begins anew for ever.");
        }

        Assert.Equal([.. Enumerable.Repeat<ChangeEvent>(new ChangeEvent.Snapshot(IsAll: true), begun), new ChangeEvent.Reset(IsOutrun: true)], told);
    }

    private ChangeFeed Feed(Replica ben)
    {
        var options = new ChangesOptions();
        var self = new NodeIdentity(Topology.Current.Cluster, Anna, new(1));
        // Anna's own replica is never asked.
        return new(Topology, default, new FeedStart.Beginning(CausalToken.None), group => new(group, self, Topology, Membership, null!, ben, TimeProvider.System, new(1), options), TimeProvider.System, options, _metrics);
    }

    private sealed class Replica(ChangeAnswer answer) : IChangePeers
    {
        /// <summary>Scans that have not been closed.</summary>
        public int Open { get; private set; }

        public int OpenWhenAsked { get; private set; }

        public ValueTask<ChangeAnswer> AskAsync(NodeAddress peer, ChangeQuestion question, CancellationToken cancellation)
        {
            if (question.Wait is not null) return new(new ChangeAnswer.Told(new(VersionVector.Of(Written), [], false)));
            OpenWhenAsked = Open;
            return new(answer);
        }

        public async IAsyncEnumerable<ChangePiece> ScanAsync(NodeAddress peer, ChangeScan scan, [EnumeratorCancellation] CancellationToken cancellation)
        {
            Open++;
            try
            {
                yield return new ChangePiece.Cut(VersionVector.Of(Written));
                yield return new ChangePiece.End(false);
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            }
            finally
            {
                Open--;
            }
        }
    }
}
