using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;

namespace Kv.Node.Backup;

/// <summary>Makes cuts: chooses who gives each shard's part, and begins anew when one of them cannot.</summary>
internal sealed class BackupCuts(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaVectors vectors,
    BackupDonor donor,
    IPeerTransport transport,
    TimeProvider time,
    Random random,
    BackupOptions options)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// A cut that has every write acknowledged before the call, unless nobody who can be reached holds it. Throws <see cref="BackupRefusedException"/>, with the reason of the last attempt, when none came about within
    /// <see cref="BackupOptions.PrepareTimeout"/>.
    /// </summary>
    public async Task<BackupCut> MakeAsync(CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(options.PrepareTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        var started = time.GetUtcNow().ToUnixTimeMilliseconds();
        var reason = "The replicas did not answer in time.";
        while (true)
        {
            // The streams of a cut outlive its making.
            var cut = new BackupCut(topology.Current, started);
            try
            {
                foreach (var shard in cut.Topology.Shards) cut.Add(shard, await OpenAsync(cut.Topology, shard, cancellation));
                await cut.CloseAsync((shard, met) => vectors.HeldAsync(cut.Topology, shard, met), either.Token);
                return cut;
            }
            catch (Exception failed) when (failed is BackupRefusedException or PeerUnavailableException)
            {
                reason = failed.Message;
                await cut.DisposeAsync();
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                await cut.DisposeAsync();
                throw new BackupRefusedException(reason);
            }
            catch
            {
                await cut.DisposeAsync();
                throw;
            }

            try
            {
                await Task.Delay(Pause, time, either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new BackupRefusedException(reason);
            }
        }
    }

    private async ValueTask<IPeerStream<BackupRequest, BackupPiece>> OpenAsync(ClusterTopology view, ShardMembers shard, CancellationToken cancellation) =>
        ChooseDonor(view, shard) switch
        {
            null => throw new BackupRefusedException($"Shard {shard.Id} has no complete replica that can be reached."),
            var chosen when chosen.Equals(self.Address) => new LocalPart(self, donor, cancellation),
            var chosen => await transport.OpenBackupAsync(chosen, cancellation),
        };

    // This node if it can; else any that said it could, so that after a refusal another one may be asked.
    private NodeAddress? ChooseDonor(ClusterTopology view, ShardMembers shard)
    {
        if (shard.Includes(self.Address) && donor.CanGive(view.GroupOf(shard.Id))) return self.Address;
        var peers = membership.Current;
        var able = shard.Members.Where(member => !member.Equals(self.Address) && peers.IsReachable(member) && peers.Find(member) is { Complete: true } peer && peer.Place == view.GroupOf(shard.Id)).ToList();
        return able.Count > 0 ? able[random.Next(able.Count)] : null;
    }
}
