namespace Kv.Node.Storage;

/// <summary>Says which stored row an error is about; costs nothing until it is printed.</summary>
internal readonly ref struct RowName(string table, ReadOnlySpan<byte> key)
{
    private readonly string _table = table;
    private readonly ReadOnlySpan<byte> _key = key;

    /// <summary>The table and the row's key in hexadecimal, as in <c>data row 00c3…6b31</c>.</summary>
    public override string ToString() => $"{_table} row {Convert.ToHexStringLower(_key)}";
}
