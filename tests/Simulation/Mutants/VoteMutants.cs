using Kv.Common.Consensus;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Storage;
using Kv.Node.Topology;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Mutants;

/// <summary>Mutants whose fault lies in how the next topology is decided.</summary>
internal static class VoteMutants
{
    // Faults elsewhere hardly ever come between a vote and what follows from it.
    private static readonly HashSet<FaultKind> AroundVotes =
        [FaultKind.AddNode, FaultKind.RemoveNode, FaultKind.AddReplica, FaultKind.CrashAfterVote, FaultKind.Isolation, FaultKind.SlowLink];

    /// <summary>A node that lost its disk votes as the one that it was.</summary>
    internal sealed class LostVoterVotesAgain : Mutant
    {
        private readonly Dictionary<NodeAddress, Incarnation> _first = [];

        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind>(AroundVotes) { FaultKind.DiskLoss };

        public override void Services(IServiceCollection services, SimNode node)
        {
            _first.TryAdd(node.Address, node.Disk.Incarnation);
            var former = node.Identity with { Incarnation = _first[node.Address] };
            services.AddSingleton(s => new TopologyRegister(former, s.GetRequiredService<TopologyOrigin>(), new AcceptorStore(former, s.GetRequiredService<IStorageEngine>())));
        }
    }

    /// <summary>One acceptor that does not answer is taken to have voted.</summary>
    internal sealed class QuorumOneTooSmall : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => AroundVotes;

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Counting(real);

        private sealed class Counting(IPeerTransport inner) : TransportWrapper(inner)
        {
            private readonly Dictionary<Ballot, NodeAddress> _pretended = [];

            public override async ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation)
            {
                try
                {
                    return await base.CallAsync(peer, request, cancellation);
                }
                catch (Exception unanswered) when (unanswered is PeerUnavailableException or OperationCanceledException)
                {
                    if (Pretend(peer, request) is { } vote) return new ControlReply.Voted(vote);
                    throw;
                }
            }

            private AcceptorReply<ClusterTopology>? Pretend(NodeAddress peer, ControlRequest request)
            {
                var (parent, ballot) = request switch
                {
                    ControlRequest.Prepare prepare => (prepare.Parent, prepare.Ballot),
                    ControlRequest.Accept accept => (accept.Parent, accept.Ballot),
                    _ => (null, default),
                };
                if (parent is null || (!_pretended.TryAdd(ballot, peer) && !_pretended[ballot].Equals(peer))) return null;
                var voter = parent.Acceptors.First(acceptor => acceptor.Address.Equals(peer));
                return request is ControlRequest.Accept { Value: var value }
                    ? new Vote<ClusterTopology>(voter, ballot, value.Digest)
                    : new Promise<ClusterTopology>(voter, ballot, Ballot.None, null);
            }
        }
    }

    /// <summary>An acceptor answers before its vote is on the disk.</summary>
    internal sealed class VoteBeforeSave : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => AroundVotes;

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Early(real);

        private sealed class Early(IStorageEngine inner) : StorageWrapper(inner)
        {
            private readonly Dictionary<string, byte[]> _pending = [];
            private Task _last = Task.CompletedTask;

            public override byte[]? ReadMeta(string name) => _pending.GetValueOrDefault(name) ?? base.ReadMeta(name);

            public override ValueTask WriteMetaAsync(string name, ReadOnlyMemory<byte> value)
            {
                if (name != "topology-register") return base.WriteMetaAsync(name, value);
                _pending[name] = value.ToArray();
                _last = AfterAsync(_last, name, value);
                return default;
            }

            private async Task AfterAsync(Task before, string name, ReadOnlyMemory<byte> value)
            {
                await before;
                await base.WriteMetaAsync(name, value);
            }
        }
    }

    /// <summary>Nobody remembers which ballots it used before it was started again.</summary>
    internal sealed class BallotUsedAgain : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind>(AroundVotes) { FaultKind.Reshard, FaultKind.Kill };

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Forgetting(real);

        private sealed class Forgetting(IStorageEngine inner) : StorageWrapper(inner)
        {
            public override byte[]? ReadMeta(string name) => name == "topology-boots" ? null : base.ReadMeta(name);
        }
    }

    /// <summary>A change is acknowledged when its proposer knows of it.</summary>
    internal sealed class NoLearnBarrier : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind>(AroundVotes) { FaultKind.Partition, FaultKind.Pause };

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Assuming(real);

        private sealed class Assuming(IPeerTransport inner) : TransportWrapper(inner)
        {
            public override ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation) =>
                request is ControlRequest.Learn { Topology: var topology }
                    ? new(new ControlReply.Holds(new(topology.Cluster, peer, topology.IncarnationAt(peer)), topology))
                    : base.CallAsync(peer, request, cancellation);
        }
    }
}
