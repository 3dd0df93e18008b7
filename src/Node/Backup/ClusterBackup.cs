using System.IO.Pipelines;
using Kv.Common.Backup;
using Kv.Common.Identity;
using Kv.Node.Peers;

namespace Kv.Node.Backup;

/// <summary>Makes backups: a cut of the whole cluster as one stream of bytes (<see cref="BackupFormat"/>), with no more of it in memory than is being sent.</summary>
internal sealed class ClusterBackup(NodeIdentity self, BackupCuts cuts, TimeProvider time, BackupOptions options)
{
    /// <summary>The cut, before a byte is sent. Throws <see cref="BackupRefusedException"/>.</summary>
    public async Task<BackupCut> PrepareAsync(BackupActivity.Run run, CancellationToken cancellation)
    {
        var cut = await cuts.MakeAsync(cancellation);
        run.Expect(cut.LiveKeys, cut.Parts.Length);
        return cut;
    }

    /// <summary>
    /// Writes all of it. Throws <see cref="BackupRefusedException"/> when a part breaks off or its client is too slow: then the file has no end, and whoever reads it finds that out.
    /// </summary>
    public async Task<ContentDigest> WriteAsync(BackupCut cut, PipeWriter output, BackupActivity.Run run, CancellationToken cancellation)
    {
        run.Enter(BackupStage.Streaming);
        var writer = new BackupWriter(output);
        var content = default(ContentDigest);
        writer.Write(new BackupFrame.Header(self.Cluster, self.Address.ToString(), cut.StartedUnixMs, cut.Topology.Epoch, cut.Parts));
        foreach (var part in cut.Parts)
        {
            content += await WritePartAsync(cut, part, writer, output, run, cancellation);
            run.ShardDone();
        }

        writer.Write(new BackupFrame.Trailer(content, time.GetUtcNow().ToUnixTimeMilliseconds()));
        await FlushAsync(output, cancellation);
        run.At(writer.Written);
        return content;
    }

    /// <summary>What the whole cluster's keys and values come to, at one cut; nothing but digests is sent.</summary>
    public async Task<ContentDigest> DigestAsync(BackupActivity.Run run, CancellationToken cancellation)
    {
        await using var cut = await PrepareAsync(run, cancellation);
        var ends = await Task.WhenAll(cut.Parts.Select(async part =>
        {
            var content = default(ContentDigest);
            await foreach (var piece in ReadAsync(cut, part, digestOnly: true, cancellation)) content = piece is BackupPiece.End end ? end.Content : content;
            run.ShardDone();
            return content;
        }));
        return ends.Aggregate((sum, end) => sum + end);
    }

    private async Task<ContentDigest> WritePartAsync(BackupCut cut, BackupPart part, BackupWriter writer, PipeWriter output, BackupActivity.Run run, CancellationToken cancellation)
    {
        var content = default(ContentDigest);
        await foreach (var piece in ReadAsync(cut, part, digestOnly: false, cancellation))
        {
            switch (piece)
            {
                case BackupPiece.Entries { All.Count: > 0 } entries:
                    foreach (var entry in entries.All) content = content.With(entry.Key, entry.Value.Span);
                    writer.Write(new BackupFrame.Entries(entries.All));
                    run.Moved(entries.All.Count);
                    run.At(writer.Written);
                    await FlushAsync(output, cancellation);
                    break;
                case BackupPiece.End end when end.Content != content:
                    throw new BackupRefusedException($"What came of shard {part.Group.Shard} is not what was sent.");
            }
        }

        writer.Write(new BackupFrame.PartEnd(part.Group, content));
        return content;
    }

    // A donor that goes away or stands still is the same to whoever waits for the backup as one that refuses.
    private async IAsyncEnumerable<BackupPiece> ReadAsync(
        BackupCut cut, BackupPart part, bool digestOnly, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var silence = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        await using var pieces = cut.ReadAsync(part, digestOnly, either.Token).GetAsyncEnumerator(either.Token);
        while (true)
        {
            // How long the client takes for a piece is not the donor's silence.
            silence.CancelAfter(options.DonorPatience);
            try
            {
                if (!await pieces.MoveNextAsync()) yield break;
            }
            catch (PeerUnavailableException gone)
            {
                throw new BackupRefusedException(gone.Message);
            }
            catch (OperationCanceledException) when (silence.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                throw new BackupRefusedException($"The replica that gives shard {part.Group.Shard} stands still: nothing came of it in {options.DonorPatience}.");
            }

            silence.CancelAfter(Timeout.InfiniteTimeSpan);
            yield return pieces.Current;
        }
    }

    private async Task FlushAsync(PipeWriter output, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(options.ClientPatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            await output.FlushAsync(either.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // The server ends a connection on which a write is cancelled, so the request may be cancelled by now as well.
            throw new BackupRefusedException($"The client is too slow: it did not take one piece in {options.ClientPatience}.");
        }
    }
}
