using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Observation;

/// <summary>What every replica of a key holds of it at this moment, for people to compare. Waits for nothing but answers, and for those only so long.</summary>
internal sealed class KeyReplicas(
    NodeIdentity self, Published<ClusterTopology> topology, Published<MembershipView> membership, ReplicaState replica, IPeerRecords peers, TimeProvider time, ObservationOptions options)
{
    /// <summary>Asks all of them at once; one that is not heard is not asked.</summary>
    public async Task<KeyHoldings> LookUpAsync(Key key, CancellationToken cancellation)
    {
        var view = topology.Current;
        var shard = view.ShardOf(key);
        using var late = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, late.Token);
        var answers = await Task.WhenAll(PlacesOf(key, view).Select(place => AskAsync(place.Node, place.Role, key, either.Token)));
        cancellation.ThrowIfCancellationRequested();
        var winner = answers.Select(answer => answer.Record).Aggregate((WriteRecord?)null, (best, record) => record is not null && WinnerRule.Wins(record, best) ? record : best);
        return new(key, shard.Id, winner, [.. answers.Select(answer => answer with { State = Judge(answer, winner) })]);
    }

    // Those of the shard, and those who are to own the key when a reshard is through.
    private static IEnumerable<(NodeAddress Node, ReplicaRole Role)> PlacesOf(Key key, ClusterTopology view)
    {
        var shard = view.ShardOf(key);
        var places = shard.Members.Select(node => (node, ReplicaRole.Member))
            .Concat(shard.Joining.Select(node => (node, ReplicaRole.Joining)))
            .Concat(shard.Leaving.Select(node => (node, ReplicaRole.Leaving)));
        return view.Transition is { } transition
            ? places.Concat(transition.ShardOf(key).Replicas.Where(node => !shard.IsReplicatedBy(node)).Select(node => (node, ReplicaRole.Joining)))
            : places;
    }

    private async Task<KeyHolding> AskAsync(NodeAddress node, ReplicaRole role, Key key, CancellationToken cancellation)
    {
        if (node.Equals(self.Address)) return new(node, role, HoldingState.Absent, replica.Read(key));
        if (!membership.Current.IsReachable(node)) return new(node, role, HoldingState.Unreachable, null);
        try
        {
            return new(node, role, HoldingState.Absent, await peers.LookUpAsync(node, key, cancellation));
        }
        catch (Exception silent) when (silent is PeerUnavailableException or OperationCanceledException)
        {
            return new(node, role, HoldingState.Unreachable, null);
        }
    }

    private static HoldingState Judge(KeyHolding answer, WriteRecord? winner) =>
        answer.State is HoldingState.Unreachable || answer.Record is not { } held ? answer.State
        : held.Dot == winner!.Dot ? HoldingState.Current
        : HoldingState.Older;
}

/// <summary>A key and what its replicas hold. <paramref name="Newest"/>: the record that wins over all others that were seen, a tombstone too; null when nobody holds one.</summary>
internal sealed record KeyHoldings(Key Key, ShardId Shard, WriteRecord? Newest, ImmutableArray<KeyHolding> Replicas);

/// <summary>What one replica holds of a key; <paramref name="Record"/> is null when nothing, or nothing is known.</summary>
internal sealed record KeyHolding(NodeAddress Address, ReplicaRole Role, HoldingState State, WriteRecord? Record);

/// <summary>How a replica's record of a key compares with the newest one seen.</summary>
internal enum HoldingState
{
    /// <summary>It is the newest.</summary>
    Current,

    /// <summary>The newest has not arrived there.</summary>
    Older,

    /// <summary>It has none.</summary>
    Absent,

    /// <summary>It did not answer in time, or is not heard.</summary>
    Unreachable,
}
