using Kv.Common.Identity;

namespace Kv.Node.Requests;

/// <summary>Which keys are listed, and how many at most. The order is that of <see cref="Key"/>, by ring position, in which storage keeps them.</summary>
/// <param name="Prefix">What the keys begin with, UTF-8; empty for all.</param>
/// <param name="After">Those after this one; null for all from the start of the ring.</param>
/// <param name="Through">Up to and including this one; null for all to the end of the ring.</param>
/// <param name="MaxKeys">At most so many.</param>
/// <param name="MaxBytes">No further one when keys, values and versions come to this; never fewer than one.</param>
/// <param name="WithValues">False for keys and versions alone.</param>
internal sealed record Listing(ReadOnlyMemory<byte> Prefix, Key? After, Key? Through, int MaxKeys, int MaxBytes, bool WithValues)
{
    public bool Matches(Key key) => key.Utf8.Span.StartsWith(Prefix.Span);

    /// <summary>True when it can be an answer to this: nobody goes on from an answer that would lead them in a circle, or past keys.</summary>
    public bool Admits(Outcome.Listed answer)
    {
        var last = After;
        foreach (var listed in answer.Keys)
        {
            if (IsAtOrBefore(listed.Key, last) || !Matches(listed.Key) || (WithValues && listed.Value.IsEmpty)) return false;
            last = listed.Key;
        }

        if (answer.Through is not { } through) return IsWithin(last);
        return IsWithin(through) && !IsAtOrBefore(through, After) && (last is not { } end || end.CompareTo(through) <= 0);
    }

    private bool IsWithin(Key? key) => Through is not { } end || key is not { } other || other.CompareTo(end) <= 0;

    private static bool IsAtOrBefore(Key key, Key? other) => other is { } known && key.CompareTo(known) <= 0;
}

/// <param name="Key">The key.</param>
/// <param name="Value">JSON; empty where no values were asked for.</param>
/// <param name="Version">The token that the write of the value returned.</param>
internal sealed record ListedKey(Key Key, ReadOnlyMemory<byte> Value, ReadOnlyMemory<byte> Version)
{
    /// <summary>About what it takes on the wire, bytes.</summary>
    public int Size => Key.Utf8.Length + Value.Length + Version.Length;
}
