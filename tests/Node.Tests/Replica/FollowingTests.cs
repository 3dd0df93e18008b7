using System.Collections;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Tests.Replication;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Replica;

/// <summary>A replica acts on a new topology whether or not anybody writes.</summary>
public sealed class FollowingTests : IDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TwoReplicas _two;
    private readonly VirtualProcess _process;

    public FollowingTests()
    {
        _two = new(_clock);
        _process = _clock.NewProcess();
        _ = _process.Start(() => _two.Replica.RunAsync(_stop.Token));
        _clock.Settle();
    }

    private ReplicaSnapshot Snapshot => _two.Replica.Snapshot.Current;

    public void Dispose()
    {
        _stop.Cancel();
        _clock.Settle();
        _stop.Dispose();
        _two.Dispose();
    }

    [Fact]
    public void A_change_is_followed_without_any_other_work()
    {
        var next = Next();
        _two.Topology.Publish(next);
        _clock.Settle();
        Assert.Equal(next.Epoch, Snapshot.Followed);
    }

    // The batch takes the reason to look again along, and goes by the topology that it began with.
    [Fact]
    public void A_change_while_a_batch_is_drained_is_followed_after_it()
    {
        var next = Next();
        var hook = new Hooked(() =>
        {
            _two.Topology.Publish(next);
            _process.RunReady();
        });
        _ = _process.Start(() => _two.Replica.DeliverAsync(hook, _two.Topology.Current.Scope).AsTask());
        _clock.Settle();
        Assert.True(hook.WasRead);
        Assert.Equal(next.Epoch, Snapshot.Followed);
    }

    private ClusterTopology Next()
    {
        var now = _two.Topology.Current;
        return new(now.Cluster, now.Epoch.Next, now.Members.Select(member => new TopologyMember(member, now.IncarnationAt(member))), now.Shards, now.Layouts);
    }

    /// <summary>No passages, and something that happens when they are looked at.</summary>
    private sealed class Hooked(Action whenRead) : IReadOnlyList<Passage>
    {
        public bool WasRead { get; private set; }

        public int Count => 0;

        public Passage this[int index] => throw new ArgumentOutOfRangeException(nameof(index));

        public IEnumerator<Passage> GetEnumerator()
        {
            WasRead = true;
            whenRead();
            yield break;
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
