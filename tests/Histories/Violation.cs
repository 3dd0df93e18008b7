namespace Kv.Histories;

/// <summary>A promise that was broken, and how.</summary>
internal sealed record Violation(string Promise, string What)
{
    public override string ToString() => $"{Promise}: {What}";
}
