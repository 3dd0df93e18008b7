namespace Kv.Node.Migration;

/// <summary>
/// How much is asked of one donor at a time: what its link carries so quickly that the answers, heartbeats and records that share the link wait little for it. It begins with the least, doubles
/// while the link carries it at once, and falls to what was seen to be carried when it does not, as background transfers in the manner of LEDBAT (RFC 6817) give way to others. From then on it grows by steps: links are often
/// bounded by a bucket of tokens, which carries anything at once after a rest. Not for several threads.
/// </summary>
internal sealed class LinkPace
{
    public const int Least = 4 << 10;

    private const int Wide = 16 << 10;

    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(200);

    /// <summary>What to ask for next, from <see cref="Least"/> to <see cref="TransferRequest.MostBytes"/>.</summary>
    public int Bytes { get; private set; } = Least;

    /// <summary>The link was once found to carry even little slowly, or nothing came of what was asked: another donor is better.</summary>
    public bool IsNarrow { get; private set; }

    /// <summary>An answer came, and the link took so long for all of it after its beginning. True when that was too long for a narrow link, which is to have a rest then.</summary>
    /// <param name="took">From the first of the answer to its last; what the donor did before does not count, nor how far away it is.</param>
    /// <param name="isFull">The answer was as large as was asked for; a smaller one says nothing of what more would take.</param>
    public bool Took(TimeSpan took, bool isFull)
    {
        if (took > Slow) Bytes = Math.Max(Least, (int)(Bytes * (Quick / took)));
        IsNarrow |= took > Quick && Bytes < Wide;
        if (took <= Quick && isFull) Bytes = Math.Min(TransferRequest.MostBytes, IsNarrow ? Bytes + Least : Bytes * 2);
        return IsNarrow && took > Quick;
    }

    /// <summary>No answer came, or not all of it.</summary>
    public void BrokeOff() => (Bytes, IsNarrow) = (Least, true);
}
