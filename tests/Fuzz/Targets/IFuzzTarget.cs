namespace Kv.Fuzz.Targets;

/// <summary>
/// One way into the product. Made anew for every round, so that a round can be run again; used by one thread at a time.
/// </summary>
internal interface IFuzzTarget : IAsyncDisposable
{
    /// <summary>The next input: made by rule, or out of one that reached something new in this round.</summary>
    byte[] Generate(Random random, Corpus corpus);

    /// <summary>
    /// Hands an input in and says what came of it: a short name, the same for inputs that were treated alike. Throws <see cref="BrokenPromiseException"/> when the product did
    /// what it must not, and whatever the product throws.
    /// </summary>
    ValueTask<string> RunAsync(byte[] input);
}
