using System.IO.Pipelines;
using Kv.Common.Backup;
using Kv.Common.Causality;
using Kv.Common.Topology;
using Kv.Node.Requests;
using Kv.Node.Signals;

namespace Kv.Node.Backup;

/// <summary>Restores a backup into this cluster, whatever shards it has.</summary>
internal sealed class ClusterRestore(
    Published<ClusterTopology> topology, KeyCounts counts, StagingArea staging, RestoreWriter writer, RestoreSpread spread, ClusterBackup backup, CausalTokenCodec tokens, RequestOptions requests)
{
    /// <summary>
    /// 1. The cluster is empty, or may be overwritten. 2. All of the file is taken in and checked, before anything is written. 3. Its keys are written, in the order of their stamps. 4. When every replica has them, what the cluster holds is
    /// compared with the file.
    /// </summary>
    /// <param name="body">The file.</param>
    /// <param name="length">How long it is, if that was said.</param>
    /// <param name="mayOverwrite">Keys of the file replace those of the cluster; keys that only the cluster has stay.</param>
    /// <param name="run">Is told how far it is.</param>
    /// <param name="cancellation">Breaks it off.</param>
    public async Task<RestoreOutcome> RestoreAsync(PipeReader body, long? length, bool mayOverwrite, BackupActivity.Run run, CancellationToken cancellation)
    {
        try
        {
            // 1.
            if (!mayOverwrite && await FindKeysAsync() is { } found) return found;
            using var stage = staging.TryBegin(length);
            if (stage is null) return new RestoreOutcome.NoRoom();

            // 2.
            var reader = new BackupReader();
            if (await ReceiveAsync(reader, body, stage, run, cancellation) is { } unusable) return unusable;
            var file = reader.Trailer!.Content;
            run.Expect(file.Count, topology.Current.Shards.Length);

            // 3.
            run.Enter(BackupStage.Writing);
            var token = await writer.WriteAsync(stage.Read(), run, cancellation);

            // 4.
            run.Enter(BackupStage.Verifying);
            await spread.UntilHeldAsync(token, cancellation);
            return await VerifyAsync(file, token, mayOverwrite, run, cancellation);
        }
        catch (BackupDamagedException damaged)
        {
            return new RestoreOutcome.Unusable(damaged.Message);
        }
        catch (RestoreBrokenOffException broken)
        {
            return new RestoreOutcome.BrokenOff(broken.Message, broken.IsDiskFull);
        }
    }

    // The first shard that has keys, or does not say; null when there is none.
    private async Task<RestoreOutcome?> FindKeysAsync()
    {
        foreach (var shard in topology.Current.Shards)
        {
            switch (await counts.CountAsync(new(shard.Id, PresentedToken.None)))
            {
                case Outcome.Counted { LiveKeys: 0 }:
                    break;
                case Outcome.Counted counted:
                    return new RestoreOutcome.NotEmpty(counted.LiveKeys);
                default:
                    return new RestoreOutcome.Unavailable($"Shard {shard.Id} does not say whether it is empty");
            }
        }

        return null;
    }

    private async Task<RestoreOutcome?> ReceiveAsync(BackupReader reader, PipeReader body, StagingArea.Stage stage, BackupActivity.Run run, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await body.ReadAsync(cancellation);
            var buffer = read.Buffer;
            while (reader.TryRead(ref buffer, out var frame))
            {
                foreach (var entry in frame is BackupFrame.Entries entries ? entries.All : [])
                {
                    if (RestoreRules.WhyNot(entry, requests) is { } reason) return new RestoreOutcome.Unusable(reason);
                    if (!stage.TryAdd(entry)) return new RestoreOutcome.NoRoom();
                }

                run.At(reader.Position);
            }

            if (read.IsCompleted)
            {
                reader.Finish(buffer);
                body.AdvanceTo(buffer.End);
                return null;
            }

            body.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private async Task<RestoreOutcome> VerifyAsync(ContentDigest file, CausalToken token, bool mayOverwrite, BackupActivity.Run run, CancellationToken cancellation)
    {
        try
        {
            var cluster = await backup.DigestAsync(run, cancellation);
            return cluster == file || mayOverwrite ? new RestoreOutcome.Done(file, tokens.Seal(token), cluster == file) : new RestoreOutcome.Different(file, cluster);
        }
        catch (BackupRefusedException refused)
        {
            return new RestoreOutcome.BrokenOff($"All keys are written, but could not be compared: {refused.Message}", IsDiskFull: false);
        }
    }
}
