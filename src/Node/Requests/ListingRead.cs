using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;

namespace Kv.Node.Requests;

/// <summary>
/// One pass over a replica's records for a listing. Ends with what was asked for, or with what may be looked at; and then, having looked at one record at least, says how far it came.
/// </summary>
/// <param name="Keys">In ring order.</param>
/// <param name="Through">The last record looked at, whatever it is; null when nothing is left of what was asked for.</param>
/// <param name="Past">What the tokens of all that was read come to. Of deletions as well: who was not shown a key must not find it afterwards.</param>
internal sealed record ListingRead(IReadOnlyList<ListedKey> Keys, Key? Through, CausalToken Past)
{
    /// <param name="records">In ring order, from where the listing begins. Those of others than <paramref name="shard"/>, which a replica holds while it is filled, are passed over.</param>
    /// <param name="wanted">Which keys.</param>
    /// <param name="ring">Of the shard's layout.</param>
    /// <param name="shard">Whose keys.</param>
    /// <param name="options">How much may be looked at.</param>
    public static ListingRead Of(IEnumerable<WriteRecord> records, Listing wanted, HashRing ring, ShardId shard, ListOptions options)
    {
        var keys = new List<ListedKey>();
        var past = CausalToken.None;
        Key? last = null;
        var (looked, lookedBytes, bytes) = (0, 0L, 0L);
        foreach (var record in records)
        {
            if (wanted.Through is { } end && record.Key.CompareTo(end) > 0) return new(keys, null, past);
            if (looked >= options.MaxRecordsRead || lookedBytes >= options.MaxBytesRead) return new(keys, last, past);
            looked++;
            lookedBytes += record.Key.Utf8.Length + record.Value.Length + record.Token.Length;
            if (ring.OwnerOf(record.Key.Position) == shard && wanted.Matches(record.Key))
            {
                if (!record.IsTombstone)
                {
                    var listed = new ListedKey(record.Key, wanted.WithValues ? record.Value : default, record.Token);
                    bytes += listed.Size;
                    // Not before it is there: what fills a page exactly is known to be all of it when no further one is found.
                    if (keys.Count > 0 && (keys.Count >= wanted.MaxKeys || bytes > wanted.MaxBytes)) return new(keys, last, past);
                    keys.Add(listed);
                }

                past = past.Join(record.OpenedToken);
            }

            last = record.Key;
        }

        return new(keys, null, past);
    }
}
