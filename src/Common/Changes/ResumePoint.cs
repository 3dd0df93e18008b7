using System.Buffers.Text;
using System.IO.Hashing;
using System.Text;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Changes;

/// <summary>
/// How far a client has come with the changes of the keys with one prefix. Means the same in every layout, so it outlives reshards. Opaque to clients and sealed like a token; its text form,
/// <c>1.&lt;digest of the prefix&gt;.&lt;sealed&gt;</c>, is not that of a token, so that neither is taken for the other.
/// </summary>
/// <param name="Epoch">Whoever goes by it has to know this topology, or a later one.</param>
/// <param name="Passed">Of every write that this covers, the client was told the effect.</param>
public sealed record ResumePoint(Epoch Epoch, VersionVector Passed)
{
    private const string Version = "1";

    /// <summary>The longest text that is looked at.</summary>
    public const int MaxLength = (CausalTokenCodec.MaxSealedLength * 4 / 3) + 32;

    public string ToText(CausalTokenCodec seal, ReadOnlySpan<byte> prefix) =>
        $"{Version}.{DigestOf(prefix)}.{Base64Url.EncodeToString(seal.Seal(new(Epoch, HybridTimestamp.Zero, Passed)))}";

    /// <summary>Null, and a reason, when the text is not one that was given out in this cluster for this prefix.</summary>
    public static ResumePoint? Read(string text, CausalTokenCodec seal, ReadOnlySpan<byte> prefix, out ResumeRejection rejection)
    {
        rejection = ResumeRejection.Malformed;
        if (text.Length > MaxLength || text.Split('.') is not [Version, { Length: 16 } digest, var point]) return null;
        var refused = seal.TryOpenText(Encoding.UTF8.GetBytes(point), out var opened, out _);
        rejection = refused switch
        {
            TokenRejection.None => digest == DigestOf(prefix) ? ResumeRejection.None : ResumeRejection.OtherPrefix,
            TokenRejection.ForeignCluster => ResumeRejection.OtherCluster,
            _ => ResumeRejection.Malformed,
        };
        return rejection is ResumeRejection.None ? new(opened.Epoch, opened.Dependencies) : null;
    }

    private static string DigestOf(ReadOnlySpan<byte> prefix) => XxHash3.HashToUInt64(prefix).ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
}
