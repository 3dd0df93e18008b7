using Kv.Common.Causality;

namespace Kv.Common.Replication;

/// <summary>
/// A piece of what one origin wrote, as far as it concerns whom it is sent to: after <see cref="After"/> and through <see cref="Through"/> there is nothing
/// but, at the end, <see cref="Record"/>; nothing at all when that is null.
/// </summary>
public readonly record struct Passage(Dot Through, ulong After, WriteRecord? Record)
{
    /// <summary>A record that follows its predecessor without a gap.</summary>
    public static Passage Of(WriteRecord record) => new(record.Dot, record.Dot.Sequence - 1, record);

    /// <summary>About what it takes in memory and on the wire, bytes.</summary>
    public int Size => Record is null ? 0 : Record.Value.Length + Record.Token.Length;
}
