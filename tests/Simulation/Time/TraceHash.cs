namespace Kv.Simulation.Time;

/// <summary>A running 64-bit digest of everything that happened, in order: two runs are the same run exactly when their digests are.</summary>
internal sealed class TraceHash
{
    public ulong Value { get; private set; } = 0x9e3779b97f4a7c15;

    public void Add(ulong word)
    {
        var mixed = (Value ^ word) * 0xff51afd7ed558ccd;
        Value = mixed ^ (mixed >> 32);
    }

    public void Add(ulong word, ulong other)
    {
        Add(word);
        Add(other);
    }

    public void Add(ReadOnlySpan<byte> bytes) => Add(System.IO.Hashing.XxHash3.HashToUInt64(bytes));
}
