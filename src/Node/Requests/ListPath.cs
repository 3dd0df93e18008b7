using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Replica;

namespace Kv.Node.Requests;

/// <summary>
/// Lists keys, from listing to page. Every shard owns arcs all over the ring, so a page is put together from a piece of each, all of the same part of the ring. They are asked one after the
/// other, each with the token of those before: a page is a row of reads of one session, and not a snapshot.
/// </summary>
internal sealed class ListPath(
    NodeIdentity self,
    TopologyLook look,
    Forwarder forwarder,
    CausalGate gate,
    ReplicaState replica,
    Stability stability,
    ClientActivity clients,
    CausalTokenCodec tokens,
    ListOptions options)
{
    // The first shard decides how far a page goes: with a little more than its share, the page is full in spite of chance.
    private const double Surplus = 1.25;
    private const int Extra = 8;

    /// <summary>A page, from any node.</summary>
    public async ValueTask<Outcome> ListAsync(Listing wanted, PresentedToken token, RequestOrigin origin)
    {
        clients.Serve();
        var epoch = token.Token.Epoch;
        while (true)
        {
            // One look at the topology for the whole page: shards of two layouts would leave out what lies between them. Whoever knows of a newer one says so, and it is looked at again.
            if (await look.AtAsync(epoch, origin.PastDeadline) is not { } view) return new Outcome.NotOwner(epoch);
            var outcome = await ListAsync(wanted, token, view, origin);
            if (outcome is not Outcome.NotOwner(var newer) || newer <= view.Epoch) return outcome;
            epoch = newer;
        }
    }

    /// <summary>The piece of a shard that this node serves, for a peer.</summary>
    public async ValueTask<Outcome> ListHereAsync(ListCommand command, RequestOrigin origin)
    {
        clients.Serve();
        var epoch = command.Token.Token.Epoch > origin.Epoch ? command.Token.Token.Epoch : origin.Epoch;
        if (await look.AtAsync(epoch, origin.PastDeadline) is not { } view) return new Outcome.NotOwner(epoch);
        return view.Find(command.Shard) is { } shard ? await AskAsync(command, shard, view, origin) : new Outcome.NotOwner(view.Epoch);
    }

    private async ValueTask<Outcome> ListAsync(Listing wanted, PresentedToken token, ClusterTopology view, RequestOrigin origin)
    {
        // 1. A piece of each shard, none further than those before it.
        var shards = view.Shards.Length;
        var piece = wanted with { MaxKeys = ShareOf(wanted.MaxKeys, shards), MaxBytes = Math.Max(1, wanted.MaxBytes / shards) };
        var keys = new List<ListedKey>();
        foreach (var shard in view.Shards)
        {
            var answer = await AskAsync(new(shard.Id, piece, token), shard, view, origin);
            if (answer is not Outcome.Listed listed) return answer;
            // Not the client's fault: a peer that gives out such tokens has nothing to say.
            if (tokens.TryOpen(listed.Token.Span, out var opened) != TokenRejection.None) return new Outcome.ShardUnavailable(shard.Id, MayHaveBeenWritten: false);
            token = new(opened, listed.Token);
            keys.AddRange(listed.Keys);
            piece = piece with { MaxKeys = wanted.MaxKeys, Through = listed.Through ?? piece.Through };
        }

        // 2. Together they are whole up to where the shortest one ends, and may be more than a page.
        var page = new List<ListedKey>();
        var bytes = 0L;
        foreach (var listed in keys.Where(listed => piece.Through is not { } end || listed.Key.CompareTo(end) <= 0).OrderBy(listed => listed.Key))
        {
            bytes += listed.Size;
            if (page.Count > 0 && (page.Count >= wanted.MaxKeys || bytes > wanted.MaxBytes)) return Page(page[^1].Key);
            page.Add(listed);
        }

        return Page(piece.Through);

        Outcome.Listed Page(Key? through) => new(page, through, token.Sealed, default, view.Epoch);
    }

    private async ValueTask<Outcome> AskAsync(ListCommand command, ShardMembers shard, ClusterTopology view, RequestOrigin origin)
    {
        // 1. Somewhere else, unless this node serves the shard.
        if (!view.PlaceOf(self).Serves(shard.Id)) return origin.MayForward ? SameLayout(await forwarder.ForwardAsync(shard, view, command, origin)) : new Outcome.NotOwner(view.Epoch);
        if (origin.MayForward && !gate.IsOpenTo(command.Token.Token) && await forwarder.TryForwardAsync(shard, view, command, origin) is { } handedOver) return SameLayout(handedOver);

        // 2. The client's past must be here.
        var past = command.Token.Token;
        if (await gate.PassAsync(view, shard.Id, past, origin.PastDeadline) is { } notYet) return notYet;

        // 3. One pass, all as of one moment, if the ranges were not given up meanwhile.
        var group = view.GroupOf(shard.Id);
        var wanted = command.Listing with { MaxKeys = Math.Clamp(command.Listing.MaxKeys, 1, options.MaxKeys), MaxBytes = Math.Min(command.Listing.MaxBytes, options.MaxBytes) };
        var read = ListingRead.Of(replica.ReadAfter(wanted.After), wanted, view.Ring, shard.Id, options);
        if (!gate.IsStill(group)) return new Outcome.NotOwner(look.Newest);
        return new Outcome.Listed(read.Keys, read.Through, stability.SealAfterReading(past, read.Past), group, view.Epoch);

        // A shard of that id in another layout has other arcs: whoever answers by a newer topology says so by its group.
        Outcome SameLayout(Outcome outcome) => outcome is Outcome.Listed listed && listed.Group != view.GroupOf(shard.Id) ? new Outcome.NotOwner(listed.Epoch) : outcome;
    }

    private static int ShareOf(int keys, int shards) => shards == 1 ? keys : (int)Math.Min(keys, Math.Ceiling(keys * Surplus / shards) + Extra);
}
