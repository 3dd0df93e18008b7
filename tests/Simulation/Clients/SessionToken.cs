using Kv.Common.Causality;
using Kv.Node.Requests;

namespace Kv.Simulation.Clients;

/// <summary>A token as a client holds it, and which operation it came from.</summary>
internal sealed record SessionToken(int Operation, ReadOnlyMemory<byte> Sealed)
{
    public static readonly SessionToken None = new(Histories.Operation.None, default);

    /// <summary>Length of the text that a client would hold.</summary>
    public int TextLength => System.Buffers.Text.Base64Url.GetEncodedLength(Sealed.Length);

    /// <summary>What the REST door makes of it.</summary>
    public PresentedToken Present(CausalTokenCodec tokens)
    {
        if (Sealed.IsEmpty) return PresentedToken.None;
        var rejection = tokens.TryOpen(Sealed.Span, out var token);
        return rejection == TokenRejection.None ? new(token, Sealed) : throw new InvalidOperationException($"A token that a node gave out is refused: {rejection}.");
    }
}
