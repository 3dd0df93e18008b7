using System.Collections.Immutable;
using Kv.Common.Backup;
using Kv.Common.Causality;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Peers;

namespace Kv.Node.Backup;

/// <summary>
/// A causally closed cut of the whole cluster, held by a snapshot of one replica of each shard until it is disposed. Made by <see cref="BackupCuts"/>.
/// </summary>
internal sealed class BackupCut(ClusterTopology topology, long startedUnixMs) : IAsyncDisposable
{
    private readonly List<Donor> _donors = [];

    public ClusterTopology Topology => topology;

    public long StartedUnixMs => startedUnixMs;

    /// <summary>What each part holds, by group.</summary>
    public ImmutableArray<BackupPart> Parts { get; private set; } = [];

    /// <summary>About how many keys all of it has.</summary>
    public long LiveKeys { get; private set; }

    /// <summary>The snapshot of one shard. The stream is the cut's from now on.</summary>
    public void Add(ShardMembers shard, IPeerStream<BackupRequest, BackupPiece> stream) => _donors.Add(new(shard, stream));

    /// <summary>
    /// Makes the cut. 1. What does each donor hold? 2. Then: what does any replica hold? 3. Each donor takes a snapshot of at least that. 4. Whatever is as old as the latest of them is added: of that, tokens may have been pruned
    /// between the first snapshot and the last. 5. What the newest writes in the snapshots name is added, until nothing is lacking. What was written by 1 depends on what was there by 2 only, so of the snapshots only what is
    /// newer than 1 has to be looked at. Throws <see cref="BackupRefusedException"/> and <see cref="PeerUnavailableException"/>.
    /// </summary>
    /// <param name="heldByAny">What all replicas of a shard hold that can be reached; whatever they write afterwards is later than the stamp.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task CloseAsync(Func<ShardMembers, HybridTimestamp, Task<VersionVector>> heldByAny, CancellationToken cancellation)
    {
        // 1.
        await ForEachAsync(_donors, async donor => await AskAsync<BackupPiece.Opened>(donor, new BackupRequest.Open(topology.Epoch, topology.GroupOf(donor.Shard.Id)), cancellation));

        // 2.
        var held = await Task.WhenAll(_donors.Select(donor => heldByAny(donor.Shard, HybridTimestamp.Zero))).WaitAsync(cancellation);

        // 3.
        var pinned = await Task.WhenAll(_donors.Select((donor, at) => AskAsync<BackupPiece.Held>(donor, new BackupRequest.Pin(held[at]), cancellation)));

        // 4.
        var latest = pinned.Max(part => part.Clock);
        var known = await Task.WhenAll(_donors.Select(donor => heldByAny(donor.Shard, latest))).WaitAsync(cancellation);
        var settled = await Task.WhenAll(_donors.Select((donor, at) => AskAsync<BackupPiece.Held>(donor, new BackupRequest.Settle(known[at], latest), cancellation)));

        // 5.
        var closure = new CutClosure(topology, _donors.Select((donor, at) => new BackupPart(topology.GroupOf(donor.Shard.Id), settled[at].Vector)));
        foreach (var part in pinned.Concat(settled)) closure.Need(part.Dependencies);
        while (closure.Lacking is { IsEmpty: false } lacking)
        {
            await ForEachAsync(lacking, async part =>
            {
                var donor = _donors.Single(each => topology.GroupOf(each.Shard.Id) == part.Group);
                var added = await AskAsync<BackupPiece.Held>(donor, new BackupRequest.Include(part.Vector), cancellation);
                lock (closure)
                {
                    closure.Extend(part.Group, added.Vector);
                    closure.Need(added.Dependencies);
                }
            });
        }

        Parts = closure.Parts;
        LiveKeys = pinned.Sum(part => part.LiveKeys);
    }

    /// <summary>What the part of one shard has, and its end; each part once.</summary>
    public async IAsyncEnumerable<BackupPiece> ReadAsync(BackupPart part, bool digestOnly, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var donor = _donors.Single(each => topology.GroupOf(each.Shard.Id) == part.Group);
        await donor.Stream.SendAsync(new BackupRequest.Scan(Parts, digestOnly), cancellation);
        while (true)
        {
            var piece = await donor.Stream.ReceiveAsync(cancellation) ?? throw new BackupRefusedException($"The replica that gave shard {donor.Shard.Id} ended before its end.");
            yield return piece;
            if (piece is BackupPiece.End) yield break;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var donor in _donors) await donor.Stream.DisposeAsync();
    }

    private static Task ForEachAsync<T>(IEnumerable<T> all, Func<T, Task> action) => Task.WhenAll(all.Select(action));

    private static async Task<T> AskAsync<T>(Donor donor, BackupRequest request, CancellationToken cancellation)
        where T : BackupPiece
    {
        await donor.Stream.SendAsync(request, cancellation);
        return await donor.Stream.ReceiveAsync(cancellation) as T ?? throw new BackupRefusedException($"The replica that gives shard {donor.Shard.Id} does not answer what it was asked.");
    }

    private sealed record Donor(ShardMembers Shard, IPeerStream<BackupRequest, BackupPiece> Stream);
}
