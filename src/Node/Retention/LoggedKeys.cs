using Kv.Common.Identity;
using Kv.Node.Replica;

namespace Kv.Node.Retention;

/// <summary>
/// Which keys the log has writes of. The deletion of such a key is remembered: whoever is told from the log learns of each write there whether it was outdone, and by what.
/// </summary>
internal sealed class LoggedKeys
{
    /// <summary>How many entries are read at a time.</summary>
    public const int SliceRecords = 1000;

    // A log longer than that is not gone through, and every key may be in it.
    private const long MostEntries = 1 << 20;
    private const int SliceBytes = 1 << 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
    private static readonly LoggedKeys Unknown = new(null);

    private readonly IReadOnlySet<ulong>? _positions;

    private LoggedKeys(IReadOnlySet<ulong>? positions) => _positions = positions;

    /// <summary>All keys that the log has writes of when it is called, and perhaps more.</summary>
    public static async ValueTask<LoggedKeys> ReadAsync(ReplicaState replica, TimeProvider time, CancellationToken cancellation)
    {
        var snapshot = replica.Snapshot.Current;
        if (snapshot.LogRecords > MostEntries) return Unknown;
        var positions = new HashSet<ulong>();
        foreach (var last in snapshot.Vector.Without(snapshot.LoggedAfter))
        {
            for (var at = snapshot.LoggedAfter[last.Origin]; at < last.Sequence;)
            {
                if (replica.ReadLog(last.Origin, at, last.Sequence, SliceRecords, SliceBytes) is { } slice)
                {
                    positions.UnionWith(slice.Records.Select(record => record.Key.Position));
                    at = slice.Through;
                }
                else
                {
                    // Trimmed meanwhile, which is said a moment later. What is gone need not be known.
                    at = Math.Max(at, replica.Snapshot.Current.LoggedAfter[last.Origin]);
                }

                if (at < last.Sequence) await Task.Delay(Pause, time, cancellation);
            }
        }

        return new(positions);
    }

    /// <summary>False only when the log has nothing of it.</summary>
    public bool MayHave(Key key) => _positions?.Contains(key.Position) ?? true;
}
