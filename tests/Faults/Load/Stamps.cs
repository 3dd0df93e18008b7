using System.Buffers.Text;
using Kv.Common.Causality;
using Kv.Histories;

namespace Kv.Faults.Load;

/// <summary>
/// Reads the rank of a write from the token it returned, which no client is meant to do: the stamp of a write is the greatest of its token. Two writes by
/// different nodes may have the same stamp; they are told apart here by nothing, and no checker takes equal ranks for wrong.
/// </summary>
internal static class Stamps
{
    public static Rank RankOf(string token) => new(CausalTokenCodec.ReadTrusted(Base64Url.DecodeFromChars(token)).Stamp.Packed, 0);
}
