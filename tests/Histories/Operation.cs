using System.Globalization;

namespace Kv.Histories;

internal enum OperationKind
{
    Read,
    Put,
    Delete,
}

internal enum OperationStatus
{
    /// <summary>Answered.</summary>
    Acknowledged,

    /// <summary>Nobody told the client whether it took place.</summary>
    Unknown,

    /// <summary>It did not take place.</summary>
    Refused,
}

/// <summary>The place of a write in the total order that decides which write of a key wins: stamp, then incarnation.</summary>
internal readonly record struct Rank(ulong Stamp, ulong Origin) : IComparable<Rank>
{
    public int CompareTo(Rank other) => Stamp != other.Stamp ? Stamp.CompareTo(other.Stamp) : Origin.CompareTo(other.Origin);

    public static bool operator <(Rank left, Rank right) => left.CompareTo(right) < 0;
    public static bool operator >(Rank left, Rank right) => left.CompareTo(right) > 0;
    public static bool operator <=(Rank left, Rank right) => left.CompareTo(right) <= 0;
    public static bool operator >=(Rank left, Rank right) => left.CompareTo(right) >= 0;
}

/// <summary>One operation of one client, from when it was sent to when its answer came. Times are in ticks of 100 ns, since the beginning.</summary>
internal sealed class Operation
{
    /// <summary>That a read found nothing, or that there is no such operation.</summary>
    public const int None = -1;

    /// <summary>Its index in the history; a put writes it as the value, so no two writes write the same.</summary>
    public required int Id { get; init; }

    public required int Client { get; init; }

    public required OperationKind Kind { get; init; }

    public required int Key { get; init; }

    /// <summary>The operation whose token was presented; its session goes on here. None for a client that presented no token.</summary>
    public int After { get; init; } = None;

    public OperationStatus Status { get; set; } = OperationStatus.Unknown;

    /// <summary>For a read: the write whose value was returned. None when the key had no value. Values that nobody wrote are -2.</summary>
    public int ReadFrom { get; set; } = None;

    /// <summary>For a write that is known to have taken place.</summary>
    public Rank? Rank { get; set; }

    public long InvokedAt { get; init; }

    public long ReturnedAt { get; set; } = long.MaxValue;

    /// <summary>How many replicas were said to hold an acknowledged write.</summary>
    public int Replicas { get; set; }

    /// <summary>Length of the returned token as text.</summary>
    public int TokenLength { get; set; }

    /// <summary>What the node answered, for people.</summary>
    public string Answer { get; set; } = "";

    /// <summary>The only disk that held the write was lost, as may happen to a write that one replica held.</summary>
    public bool IsExcusablyLost { get; set; }

    /// <summary>A deletion that was refused because there was nothing to delete.</summary>
    public bool FoundNothing { get; set; }

    public bool IsWrite => Kind is not OperationKind.Read;

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"#{Id} client {Client} {Kind} k{Key}{(Kind is OperationKind.Put ? $"={Id}" : "")}{(After >= 0 ? $" after #{After}" : "")} [{InvokedAt / 1e7:F3}-{(ReturnedAt == long.MaxValue ? "?" : (ReturnedAt / 1e7).ToString("F3", CultureInfo.InvariantCulture))}] {Status}{(Kind is OperationKind.Read && Status is OperationStatus.Acknowledged ? $" <- #{ReadFrom}" : "")}{(Rank is { } rank ? $" at {rank.Stamp >> 16}.{rank.Stamp & 0xffff}/{rank.Origin:x}" : "")} {Answer}");
}
