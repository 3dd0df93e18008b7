namespace Kv.Histories.Checkers;

/// <summary>A token fits into a header, and into its bound.</summary>
internal sealed class TokenSizeChecker : IHistoryChecker
{
    /// <summary>Characters of base64url, of six origins or fewer; of more, in proportion.</summary>
    public const int MostCharacters = 512;

    public string Promise => "Tokens are small";

    public IEnumerable<string> Check(ClientHistory history)
    {
        var most = MostCharacters * Math.Max(6, history.Origins) / 6;
        return history.Operations.Where(o => o.TokenLength > most).Select(o => $"the token that {o} returned has {o.TokenLength} characters, more than {most}");
    }
}
