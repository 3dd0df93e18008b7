using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Kv.Simulation.Nodes;

/// <summary>Values are numbers, and no two writes write the same one.</summary>
internal static class ClientValue
{
    public static byte[] Write(long value) => Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>-1 for what no client has written.</summary>
    public static long Read(ReadOnlyMemory<byte> json) =>
        Utf8Parser.TryParse(json.Span, out long value, out var consumed) && consumed == json.Length ? value : -1;
}
