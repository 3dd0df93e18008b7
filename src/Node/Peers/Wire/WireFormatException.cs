namespace Kv.Node.Peers.Wire;

/// <summary>A well-formed protobuf message that no node of this kind sends. What it quotes is the sender's, so it is cut where a person has read enough.</summary>
internal sealed class WireFormatException(string message) : Exception(message.Length <= MostCharacters ? message : $"{message[..MostCharacters]}…")
{
    private const int MostCharacters = 300;
}
