using Kv.Node.Peers;
using Kv.Node.Replication;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Replication;

/// <summary>A machine whose kernel accepts connections and that loses power before it says a word: no reset comes.</summary>
public sealed class SilentPeerTests : IDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly TwoReplicas _two;

    public SilentPeerTests() => _two = new(_clock);

    public void Dispose() => _two.Dispose();

    [Fact]
    public void A_broadcast_stream_whose_greeting_does_not_come_is_opened_again()
    {
        var opened = 0;
        _two.Transport.OpenBroadcast = () =>
        {
            opened++;
            return InMemoryPeerStream<RecordBatch, Acknowledgement>.CreatePair(TwoReplicas.Anna, TwoReplicas.Ben).Near;
        };
        using var stop = new CancellationTokenSource();
        var replicator = new PeerReplicator(
            _two.Self, TwoReplicas.Ben, _two.Topology.Current.Scope, _two.Topology, _two.Replica, _two.Transport, new NobodyWaits(), _clock.Time, new Random(1), new(), _two.Metrics, new RecordingLogger<PeerReplicator>([]));
        _clock.NewProcess().Start(() => replicator.RunAsync(stop.Token));
        _clock.AdvanceUntil(() => opened == 1, TimeSpan.FromSeconds(1));
        _clock.AdvanceUntil(() => opened == 2, new ReplicationOptions().AnswerTimeout + TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void A_fetch_that_is_not_answered_is_given_up()
    {
        var fetches = 0;
        _two.Transport.Fetch = (_, cancellation) =>
        {
            fetches++;
            return NeverAsync(cancellation);
        };
        using var stop = new CancellationTokenSource();
        var catchUp = _two.NewCatchUp(_clock.Time);
        _clock.NewProcess().Start(() => catchUp.RunAsync(stop.Token));
        catchUp.Ask(TwoReplicas.OfBen);
        _clock.AdvanceUntil(() => fetches == 1, TimeSpan.FromSeconds(1));
        catchUp.Ask(TwoReplicas.OfBen);
        _clock.AdvanceUntil(() => fetches == 2, new ReplicationOptions().AnswerTimeout + TimeSpan.FromSeconds(1));
    }

    private static async IAsyncEnumerable<RecordBatch> NeverAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        yield break;
    }

    private sealed class NobodyWaits : Node.Replica.IDurabilityObserver
    {
        public void Acknowledged(Common.Identity.NodeAddress peer, Common.Identity.Incarnation incarnation, Common.Causality.VersionVector vector)
        {
        }

        public void Lost(Common.Identity.NodeAddress peer)
        {
        }
    }
}
