using System.Runtime.CompilerServices;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Replication;
using Kv.Node.Hosting;
using Kv.Node.Membership;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Mutants;

/// <summary>Mutants whose fault lies between nodes: what is sent, what is acknowledged, what is believed of others.</summary>
internal static class PeerMutants
{
    /// <summary>A replica acknowledges what it received before it is durable.</summary>
    internal sealed class AcknowledgeOnReceipt : Mutant
    {
        public override IPeerStream<Acknowledgement, RecordBatch> InboundBroadcast(IPeerStream<Acknowledgement, RecordBatch> real, SimNode node) =>
            new StreamWrapper<Acknowledgement, RecordBatch>(real, receive: async batch =>
            {
                if (batch.Passages.Count > 0) await real.SendAsync(new(node.Disk.Incarnation, VersionVector.Of(batch.Passages.Select(passage => passage.Through))), CancellationToken.None);
                return batch;
            });
    }

    /// <summary>An acknowledgement counts for every member of the shard.</summary>
    internal sealed class AcknowledgementCountsTwice : Mutant
    {
        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton<IDurabilityObserver>(s =>
            new DurabilityWrapper(s, (concern, member, incarnation, vector) =>
            {
                foreach (var other in node.Shard is { } shard ? node.Cluster.MembersOf(shard) : [])
                {
                    if (other != node) concern.Acknowledged(other.Address, other.Disk.Incarnation, vector);
                }
            }));
    }

    /// <summary>An acknowledgement counts for one write more than it says.</summary>
    internal sealed class AcknowledgementOffByOne : Mutant
    {
        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton<IDurabilityObserver>(s =>
            new DurabilityWrapper(s, (concern, member, incarnation, vector) =>
                concern.Acknowledged(member, incarnation, VersionVector.Of(vector.Select(dot => dot with { Sequence = dot.Sequence + 1 })))));
    }

    /// <summary>What a member held before it lost its disk counts for its successor.</summary>
    internal sealed class AcknowledgementOfTheDead : Mutant
    {
        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton<IDurabilityObserver>(s =>
        {
            var greatest = new Dictionary<NodeAddress, VersionVector>();
            return new DurabilityWrapper(s, (concern, member, incarnation, vector) =>
            {
                // A greeting tells how far a member is; whoever lost everything is taken to be as far as everyone.
                if (node.OwnOrigin is { } own && vector[own] == 0) vector = vector.With(new(own, s.GetRequiredService<ReplicaState>().Snapshot.Current.Vector[own] + 3));
                greatest[member] = greatest.GetValueOrDefault(member, VersionVector.Empty).Join(vector);
                concern.Acknowledged(member, incarnation, greatest[member]);
            });
        });
    }

    /// <summary>Records are applied in the order they come, whatever they depend on.</summary>
    internal sealed class DeliverOutOfCausalOrder : Mutant
    {
        // An answer must overtake what it answers.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.SlowLink, FaultKind.LossyLink };

        public override IPeerStream<Acknowledgement, RecordBatch> InboundBroadcast(IPeerStream<Acknowledgement, RecordBatch> real, SimNode node) =>
            new StreamWrapper<Acknowledgement, RecordBatch>(real, receive: batch => new(Changed(batch, WithoutDependencies)));
    }

    /// <summary>The dependencies of a write do not travel with it.</summary>
    internal sealed class RecordsLoseDependencies : Mutant
    {
        public override IPeerStream<Acknowledgement, RecordBatch> InboundBroadcast(IPeerStream<Acknowledgement, RecordBatch> real, SimNode node) =>
            new StreamWrapper<Acknowledgement, RecordBatch>(real, receive: batch => new(Changed(batch, record => Strip(record, node))));

        private static WriteRecord Strip(WriteRecord record, SimNode node)
        {
            var token = record.OpenedToken with { Dependencies = VersionVector.Of(record.Dot) };
            var tokens = node.Services!.GetRequiredService<CausalTokenCodec>();
            return new(record.Key, record.Value, record.IsTombstone, record.Stamp, record.Dot, tokens.Seal(token));
        }
    }

    /// <summary>A message of the broadcast is lost now and then, and nobody notices.</summary>
    internal sealed class LoseBroadcast : Mutant
    {
        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Losing(real);

        private sealed class Losing(IPeerTransport inner) : TransportWrapper(inner)
        {
            private int _sent;

            public override async ValueTask<IPeerStream<RecordBatch, Acknowledgement>> OpenBroadcastAsync(NodeAddress peer, BroadcastOpening opening, CancellationToken cancellation) =>
                new StreamWrapper<RecordBatch, Acknowledgement>(await base.OpenBroadcastAsync(peer, opening, cancellation), batch => ++_sent % 40 == 0 ? [] : [batch]);
        }
    }

    /// <summary>Nothing that broadcast missed is ever fetched.</summary>
    internal sealed class NeverFetch : Mutant
    {
        // Only what no origin can send any more is fetched.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.DiskLoss, FaultKind.ConnectionReset };

        // A replica that lacks something for long pulls everything once more, which mends what fetching did not bring.
        public override void Options(NodeOptions options) => options.Replication.RefillAfter = TimeSpan.FromHours(1);

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new NotFetching(real);

        private sealed class NotFetching(IPeerTransport inner) : TransportWrapper(inner)
        {
            public override async IAsyncEnumerable<RecordBatch> FetchAsync(NodeAddress peer, FetchRequest request, [EnumeratorCancellation] CancellationToken cancellation)
            {
                await Task.Yield();
                yield break;
            }
        }
    }

    /// <summary>A fetch brings all but the last record.</summary>
    internal sealed class FetchOneTooFew : Mutant
    {
        // Only what no origin can send any more is fetched.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.DiskLoss, FaultKind.ConnectionReset };

        // A replica that lacks something for long pulls everything once more, which mends what fetching did not bring.
        public override void Options(NodeOptions options) => options.Replication.RefillAfter = TimeSpan.FromHours(1);

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Short(real);

        private sealed class Short(IPeerTransport inner) : TransportWrapper(inner)
        {
            public override async IAsyncEnumerable<RecordBatch> FetchAsync(NodeAddress peer, FetchRequest request, [EnumeratorCancellation] CancellationToken cancellation)
            {
                await foreach (var batch in base.FetchAsync(peer, request, cancellation))
                {
                    if (batch.Passages.Count > 1) yield return new([.. batch.Passages.SkipLast(1)]);
                }
            }
        }
    }

    /// <summary>A forwarded write is sent twice.</summary>
    internal sealed class ForwardTwice : Mutant
    {
        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Twice(real);

        private sealed class Twice(IPeerTransport inner) : TransportWrapper(inner)
        {
            public override async ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation) =>
                new StreamWrapper<ForwardBatch, ForwardReplyBatch>(await base.OpenForwardingAsync(peer, cancellation), batch => [batch, batch]);
        }
    }

    /// <summary>The answers of a peer are handed to whoever asked next.</summary>
    internal sealed class MixUpReplies : Mutant
    {
        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Mixed(real);

        private sealed class Mixed(IPeerTransport inner) : TransportWrapper(inner)
        {
            public override async ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation) =>
                new StreamWrapper<ForwardBatch, ForwardReplyBatch>(await base.OpenForwardingAsync(peer, cancellation), receive: batch =>
                {
                    var rotated = batch.Replies.Select((reply, i) => new ForwardReply(reply.Id, batch.Replies[(i + 1) % batch.Replies.Count].Outcome)).ToList();
                    return new(new ForwardReplyBatch(rotated));
                });
        }
    }

    /// <summary>Heartbeats say that this node holds whatever anybody holds.</summary>
    internal sealed class HeartbeatsOverstate : Mutant
    {
        // A replica must be behind while it is heard.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.OneWayCut, FaultKind.SlowLink, FaultKind.LossyLink, FaultKind.ConnectionReset };

        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton<IHeartbeatSource>(s =>
            new HeartbeatWrapper(s.GetRequiredService<HeartbeatSource>, beat => beat with
            {
                Vector = s.GetRequiredService<Published<MembershipView>>().Current.Peers.Where(p => p.Place == beat.Place)
                    .Aggregate(beat.Vector, (joined, peer) => joined.Join(peer.Vector)),
            })).AddSingleton<HeartbeatSource>();
    }

    /// <summary>Heartbeats do not say what this node holds, so nothing is ever known to be stable.</summary>
    internal sealed class HeartbeatsUnderstate : Mutant
    {
        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton<IHeartbeatSource>(s =>
            new HeartbeatWrapper(s.GetRequiredService<HeartbeatSource>, beat => beat with { Vector = VersionVector.Empty })).AddSingleton<HeartbeatSource>();
    }

    /// <summary>Silence is measured on the wall clock.</summary>
    internal sealed class LivenessByWallClock : Mutant
    {
        // A jump forwards is taken for a pause of the process itself, and excused; only after one backwards is a killed node found too late.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.ClockJump, FaultKind.Kill };

        public override TimeProvider Time(TimeProvider real, SimNode node) => new WallClock(real);

        private sealed class WallClock(TimeProvider inner) : TimeProvider
        {
            public override long TimestampFrequency => TimeSpan.TicksPerSecond;

            public override long GetTimestamp() => inner.GetUtcNow().Ticks;

            public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

            public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => inner.CreateTimer(callback, state, dueTime, period);
        }
    }

    /// <summary>Silence is believed only after a long time.</summary>
    internal sealed class DetectTooLate : Mutant
    {
        // Nothing else may excuse the delay.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.Kill, FaultKind.PowerLoss };

        public override void Options(NodeOptions options) => options.Membership.SuspicionThreshold = 60;
    }

    /// <summary>Beats wait behind something else for seconds, and are then forgotten.</summary>
    internal sealed class BeatsQueueBehindData : Mutant
    {
        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Queueing(real, node);

        private sealed class Queueing(IPeerTransport inner, SimNode node) : TransportWrapper(inner)
        {
            public override async ValueTask<IPeerStream<Heartbeat, Heartbeat>> OpenHeartbeatAsync(NodeAddress peer, CancellationToken cancellation) =>
                new StreamWrapper<Heartbeat, Heartbeat>(
                    await base.OpenHeartbeatAsync(peer, cancellation), beat => node.Cluster.Scheduler.Now / TimeSpan.FromSeconds(4).Ticks % 3 == 2 ? [] : [beat]);
        }
    }

    /// <summary>A broken connection to a dead peer is kept, and waited on.</summary>
    internal sealed class NeverGiveUpOnSilence : Mutant
    {
        // Only a machine that says nothing any more leaves a connection half open.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.PowerLoss, FaultKind.Pause };

        public override bool GivesUpSilentConnections => false;

        public override void Options(NodeOptions options)
        {
            options.Membership.StreamSilenceLimit = TimeSpan.FromHours(1);
            options.Replication.AnswerTimeout = TimeSpan.FromHours(1);
        }

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Keeping(real);

        private sealed class Keeping(IPeerTransport inner) : TransportWrapper(inner)
        {
            public override void Reset(NodeAddress peer)
            {
            }
        }
    }

    /// <summary>A request waits for its past as long as it takes.</summary>
    internal sealed class WaitTooLong : Mutant
    {
        // A past must stay away for long.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.Partition, FaultKind.Isolation, FaultKind.SlowLink, FaultKind.Kill };

        public override void Options(NodeOptions options)
        {
            options.Requests.CausalWait = TimeSpan.FromSeconds(9);
            options.Requests.WriteConcernWait = TimeSpan.FromSeconds(15);
        }
    }

    private static RecordBatch Changed(RecordBatch batch, Func<WriteRecord, WriteRecord> change) =>
        new([.. batch.Passages.Select(passage => passage.Record is { } record ? passage with { Record = change(record) } : passage)]);

    private static WriteRecord WithoutDependencies(WriteRecord record)
    {
        var bare = new WriteRecord(record.Key, record.Value, record.IsTombstone, record.Stamp, record.Dot, record.Token);
        var token = record.OpenedToken;
        Opened(bare) = token with { Dependencies = token.Dependencies.OfGroups(group => group != record.Dot.Origin.Group).With(record.Dot) };
        return bare;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_opened")]
    private static extern ref CausalToken? Opened(WriteRecord record);
}
