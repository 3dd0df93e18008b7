using Kv.Common.Backup;
using Kv.Common.Causality;
using Kv.Node.Replica;
using Kv.Node.Requests;

namespace Kv.Node.Backup;

/// <summary>
/// Writes the keys of a backup as a client of this cluster would: each window of them with the token of all windows before it. Whoever reads a restored value therefore depends on
/// everything that was written before it, and so on every cause of it, but for those in the same window.
/// </summary>
internal sealed class RestoreWriter(WritePath writes, CausalTokenCodec tokens, Stability stability, TimeProvider time, BackupOptions options, RequestOptions requests)
{
    private const int WindowBytes = 4 << 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Writes <paramref name="entries"/>, which come in the order of their stamps; gives the token of all of them. Throws <see cref="RestoreBrokenOffException"/> when one could not be written for
    /// <see cref="BackupOptions.RestorePatience"/>.
    /// </summary>
    public async Task<CausalToken> WriteAsync(IEnumerable<BackupEntry> entries, BackupActivity.Run run, CancellationToken cancellation)
    {
        var past = CausalToken.None;
        foreach (var window in Windows(entries))
        {
            var presented = ReferenceEquals(past, CausalToken.None) ? PresentedToken.None : new PresentedToken(past, tokens.Seal(past));
            var written = await Task.WhenAll(window.Select(entry => WriteAsync(entry, presented, cancellation)));
            past = stability.Prune(written.Aggregate(past, (joined, token) => joined.Join(token)));
            run.Moved(window.Count);
        }

        return past;
    }

    private async Task<CausalToken> WriteAsync(BackupEntry entry, PresentedToken past, CancellationToken cancellation)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            // Written twice it is the same value, so what may have been written is written again.
            var outcome = await writes.WriteAsync(new PutCommand(entry.Key, entry.Value, past, WriteConcernLevel.Default), RequestOrigin.Client(requests, time));
            if (outcome is Outcome.Stored stored) return CausalTokenCodec.ReadTrusted(stored.Token.Span);
            if (time.GetElapsedTime(since) >= options.RestorePatience) throw new RestoreBrokenOffException(Describe(outcome), outcome is Outcome.InsufficientStorage);
            await Task.Delay(Pause, time, cancellation);
        }
    }

    private IEnumerable<List<BackupEntry>> Windows(IEnumerable<BackupEntry> entries)
    {
        var (window, bytes) = (new List<BackupEntry>(), 0);
        foreach (var entry in entries)
        {
            window.Add(entry);
            bytes += entry.Size;
            if (window.Count < options.RestoreWindow && bytes < WindowBytes) continue;
            yield return window;
            (window, bytes) = ([], 0);
        }

        if (window.Count > 0) yield return window;
    }

    private static string Describe(Outcome outcome) => outcome switch
    {
        Outcome.InsufficientStorage full => $"The disks of shard {full.Shard} are full",
        Outcome.ShardUnavailable unavailable => $"Shard {unavailable.Shard} is unavailable",
        Outcome.DependenciesMissing missing => $"Shard {missing.Shard} lacks what was written before",
        Outcome.WriteConcernNotMet notMet => $"Too few replicas of shard {notMet.Shard} answer",
        Outcome.Overloaded => "The cluster is overloaded",
        Outcome.NotOwner => "The topology is changing",
        _ => "Keys cannot be written",
    };
}
