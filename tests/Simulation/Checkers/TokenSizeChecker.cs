using Kv.Simulation.History;

namespace Kv.Simulation.Checkers;

/// <summary>A token fits into a header, and into its bound.</summary>
internal sealed class TokenSizeChecker : IHistoryChecker
{
    /// <summary>Characters of base64url, at six nodes.</summary>
    public const int MostCharacters = 512;

    public string Promise => "Tokens are small";

    public IEnumerable<string> Check(ClientHistory history) =>
        history.Operations.Where(o => o.TokenLength > MostCharacters).Select(o => $"the token that {o} returned has {o.TokenLength} characters");
}
