namespace Kv.Fuzz.Targets;

/// <summary>How much memory a calculation may take for an input.</summary>
internal static class Bounds
{
    private const long Fixed = 4 << 20;
    private const long PerByte = 512;

    /// <summary>Runs a calculation on this thread; more memory than an input of that size is worth breaks a promise.</summary>
    public static string Allocating(int inputBytes, Func<string> work)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var outcome = work();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return allocated <= Fixed + (PerByte * inputBytes) ? outcome : throw new BrokenPromiseException($"{inputBytes} bytes of input take {allocated} bytes of memory ({outcome})");
    }

    /// <summary>The shape of a refusal, without what it quotes: so that inputs refused for the same reason have the same outcome.</summary>
    public static string Shape(string message)
    {
        // What a person is told must be told in a line or two, whatever was sent.
        if (message.Length > 1000) throw new BrokenPromiseException($"a refusal of {message.Length} characters: {message[..200]}…");
        var words = message.Split(' ').Where(word => word.Length is > 0 and < 16 && word.All(c => char.IsAsciiLetter(c) || c is '.' or ',' or ':'));
        return string.Join(' ', words.Take(12));
    }
}
