using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kv.Common.Consensus;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Storage;

namespace Kv.Node.Topology;

/// <summary>Keeps the <see cref="RegisterState"/> on disk, as one small value that is replaced whole.</summary>
internal sealed partial class AcceptorStore(NodeIdentity self, IStorageEngine storage)
{
    private const string StateKey = "topology-register";
    private const string BootsKey = "topology-boots";

    /// <summary>What was saved last, or null. Throws <see cref="StorageFailedException"/> when it cannot be read.</summary>
    public RegisterState? Load()
    {
        if (storage.ReadMeta(StateKey) is not { } bytes) return null;
        try
        {
            return FromRow(JsonSerializer.Deserialize(bytes, StoreJson.Default.Row) ?? throw new FormatException("it is empty"));
        }
        catch (Exception damaged) when (damaged is FormatException or JsonException or ArgumentException)
        {
            throw new StorageFailedException($"The stored topology of {self.Address} cannot be read: {damaged.Message}", damaged);
        }
    }

    /// <summary>Durable when the task completes.</summary>
    public ValueTask SaveAsync(RegisterState state) => storage.WriteMetaAsync(StateKey, JsonSerializer.SerializeToUtf8Bytes(ToRow(state), StoreJson.Default.Row));

    /// <summary>How often this node has been started, this time included; durable when the task completes.</summary>
    public async ValueTask<uint> CountBootAsync()
    {
        var boots = 1 + (storage.ReadMeta(BootsKey) is { } bytes ? BitConverter.ToUInt32(bytes) : 0);
        await storage.WriteMetaAsync(BootsKey, BitConverter.GetBytes(boots));
        return boots;
    }

    private static Row ToRow(RegisterState state) => new(
        1,
        TopologyText.Write(state.Acceptor.Chosen),
        ToRow(state.Acceptor.Promised),
        ToRow(state.Acceptor.AcceptedAt),
        state.Acceptor.Accepted is { } accepted ? TopologyText.Write(accepted) : null,
        state.Acceptor.IsEstablished,
        state.WasMember,
        state.IsUninvited,
        [.. state.FirstSeen.ByAddress.Select(entry => $"{entry.Key} {entry.Value}")]);

    private RegisterState FromRow(Row row)
    {
        if (row.Format != 1) throw new FormatException($"it has format {row.Format}, and this build knows 1");
        var acceptor = new AcceptorState<ClusterTopology>(
            new Acceptor(self.Address, self.Incarnation),
            TopologyText.Parse(row.Chosen),
            FromRow(row.Promised),
            FromRow(row.AcceptedAt),
            row.Accepted is null ? null : TopologyText.Parse(row.Accepted),
            row.IsEstablished);
        var firstSeen = FirstSeen.Of(row.FirstSeen.Select(entry => entry.Split(' ')).Select(two => KeyValuePair.Create(NodeAddress.Parse(two[0]), new Incarnation(Number(two[1])))));
        return new(acceptor, firstSeen, row.WasMember, row.IsUninvited);
    }

    private static string ToRow(Ballot ballot) => $"{ballot.Round:x16} {ballot.Proposer}";

    private static Ballot FromRow(string ballot) => new(Number(ballot.Split(' ')[0]), new(Number(ballot.Split(' ')[1])));

    private static ulong Number(string hexadecimal) => ulong.Parse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    internal sealed record Row(
        int Format,
        string Chosen,
        string Promised,
        string AcceptedAt,
        string? Accepted,
        bool IsEstablished,
        bool WasMember,
        bool IsUninvited,
        IReadOnlyList<string> FirstSeen);

    [JsonSerializable(typeof(Row))]
    private sealed partial class StoreJson : JsonSerializerContext;
}
