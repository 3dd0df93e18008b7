namespace Kv.Fuzz.Runs;

/// <summary>An input that the product failed at.</summary>
internal sealed record Failure(RoundId Round, int Index, byte[] Input, string What)
{
    private const int MostShownBytes = 8 << 10;

    /// <summary>What happened, the input, and the commands that bring it back.</summary>
    public IEnumerable<string> Lines()
    {
        yield return $"FAILED {Round.Target}, seed {Round.Seed}, round {Round.Number}, input {Index}: {What}";
        yield return $"  input  {(Input.Length <= MostShownBytes ? Convert.ToHexString(Input) : $"{Convert.ToHexString(Input.AsSpan(0, 256))}… ({Input.Length} bytes)")}";
        if (Input.Length <= MostShownBytes) yield return $"  alone  dotnet run -c Release --project tests/Fuzz -- --target {Round.Target} --input {Convert.ToHexString(Input)}";
        yield return $"  round  dotnet run -c Release --project tests/Fuzz -- --target {Round.Target} --seed {Round.Seed} --round {Round.Number}";
    }
}
