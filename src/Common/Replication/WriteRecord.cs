using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Replication;

/// <summary>
/// One write, as it is logged, sent and stored: immutable, and the same bytes on every replica. <see cref="Token"/> is the sealed token that the
/// write returned to its client: its causal past together with its own dot.
/// </summary>
public sealed class WriteRecord(Key key, ReadOnlyMemory<byte> value, bool isTombstone, HybridTimestamp stamp, Dot dot, ReadOnlyMemory<byte> token)
{
    private CausalToken? _opened;

    public Key Key { get; } = key;

    /// <summary>The JSON value as the client sent it; empty for a tombstone.</summary>
    public ReadOnlyMemory<byte> Value { get; } = value;

    /// <summary>A deletion.</summary>
    public bool IsTombstone { get; } = isTombstone;

    public HybridTimestamp Stamp { get; } = stamp;

    public Dot Dot { get; } = dot;

    public ReadOnlyMemory<byte> Token { get; } = token;

    /// <summary>The content of <see cref="Token"/>, read once.</summary>
    public CausalToken OpenedToken => _opened ??= CausalTokenCodec.ReadTrusted(Token.Span);
}
