using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Requests;
using Kv.Node.Signals;

namespace Kv.Node.Backup;

/// <summary>Asks every replica of a shard that can be reached what it holds, now.</summary>
internal sealed class ReplicaVectors(
    NodeIdentity self, Published<MembershipView> membership, Forwarder forwarder, KeyCounts counts, CausalTokenCodec tokens, TimeProvider time, BackupOptions options)
{
    /// <summary>
    /// Everything that any of them held when it was asked, and so every write that was acknowledged before, unless only those hold it who cannot be reached. What they write after that is later than
    /// <paramref name="met"/>, unless their clocks are far behind, or their disks full. Throws <see cref="BackupRefusedException"/> when none answers.
    /// </summary>
    public async Task<VersionVector> HeldAsync(ClusterTopology view, ShardMembers shard, HybridTimestamp met)
    {
        var token = CausalToken.None with { Stamp = met };
        var command = new CountKeysCommand(shard.Id, met == HybridTimestamp.Zero ? PresentedToken.None : new(token, tokens.Seal(token)));
        var answers = await Task.WhenAll(shard.Members.Select(member => AskAsync(view, shard, member, command)));
        var held = answers.OfType<VersionVector>().ToList();
        return held.Count > 0
            ? view.Concerning(view.GroupOf(shard.Id), held.Concat(HeldByLeaving(view, shard)).Aggregate((joined, vector) => joined.Join(vector)))
            : throw new BackupRefusedException($"No live replica of shard {shard.Id} answers.");
    }

    // Who leaves answers no requests, and writes nothing more: what it said last is all it has.
    private IEnumerable<VersionVector> HeldByLeaving(ClusterTopology view, ShardMembers shard) => shard.Leaving
        .Select(membership.Current.Find)
        .Where(peer => peer is { IsReachable: true } && peer.Place == view.GroupOf(shard.Id))
        .Select(peer => peer!.Vector);

    private async Task<VersionVector?> AskAsync(ClusterTopology view, ShardMembers shard, NodeAddress member, CountKeysCommand command)
    {
        var deadline = Deadline.In(options.AnswerTimeout / 2, time);
        var outcome = member.Equals(self.Address) ? await counts.CountHereAsync(command, new(MayForward: false, deadline, deadline, view.Epoch))
            : forwarder.IsWorthAsking(member) && await forwarder.SendAsync(member, shard.Id, view.Epoch, command, deadline) is LaneReply.Answered answered ? answered.Outcome
            : null;
        return outcome is Outcome.Counted counted && counted.Group == view.GroupOf(shard.Id) ? counted.Vector : null;
    }
}
