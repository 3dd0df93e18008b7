namespace Kv.Fuzz.Targets;

/// <summary>Inputs of this round that were the first to reach an outcome: the poor man's coverage. Mutated further, they lead to its neighbours.</summary>
internal sealed class Corpus
{
    private const int MostBytes = 64 << 10;

    private readonly HashSet<string> _outcomes = [];
    private readonly List<byte[]> _inputs = [];

    public IReadOnlyCollection<string> Outcomes => _outcomes;

    public void Learn(byte[] input, string outcome)
    {
        if (_outcomes.Add(outcome) && input.Length <= MostBytes) _inputs.Add(input);
    }

    /// <summary>One of them, or null while there is none.</summary>
    public byte[]? Pick(Random random) => _inputs.Count == 0 ? null : _inputs[random.Next(_inputs.Count)];
}
