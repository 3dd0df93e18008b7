using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Kv.Common.Tests.Consensus;

/// <summary>
/// One state of the whole model in 32 bytes, compared exactly: numbers that stand for immutable objects (<see cref="Interner{T}"/>), and bit masks.
/// </summary>
internal struct World : IEquatable<World>
{
    public const int MostSlots = 4;

    private Cells _cells;

    [InlineArray(16)]
    private struct Cells
    {
        private ushort _first;
    }

    /// <summary>Requests that were ever sent, a bit each.</summary>
    public ushort Sent { readonly get => _cells[10]; set => _cells[10] = value; }

    /// <summary>Lost disks and crashes that may still happen.</summary>
    public ushort LossesLeft { readonly get => _cells[11]; set => _cells[11] = value; }

    public readonly ushort Acceptor(int slot) => _cells[slot];

    public void SetAcceptor(int slot, ushort id) => _cells[slot] = id;

    /// <summary>Every vote that the slot ever gave, remembered by nobody but the checker: a bit for each accept request.</summary>
    public readonly ushort Votes(int slot) => _cells[4 + slot];

    public void AddVote(int slot, int request) => _cells[4 + slot] |= (ushort)(1 << request);

    public readonly ushort Attempt(int proposer) => (ushort)(_cells[8 + proposer] & 0x1fff);

    /// <summary>How many attempts the proposer has begun.</summary>
    public readonly int Begun(int proposer) => _cells[8 + proposer] >> 13;

    public void SetAttempt(int proposer, int id, int begun) =>
        _cells[8 + proposer] = (ushort)(id <= 0x1fff ? id | (begun << 13) : throw new OverflowException());

    /// <summary>What else the slot remembers: its formation, or in one mutant what of its acceptor is durable.</summary>
    public readonly ushort Side(int slot) => _cells[12 + slot];

    public void SetSide(int slot, ushort id) => _cells[12 + slot] = id;

    public readonly bool Equals(World other) => MemoryMarshal.AsBytes<ushort>(_cells).SequenceEqual(MemoryMarshal.AsBytes<ushort>(other._cells));

    public override readonly bool Equals(object? obj) => obj is World other && Equals(other);

    public override readonly int GetHashCode()
    {
        var words = MemoryMarshal.Cast<ushort, ulong>((ReadOnlySpan<ushort>)_cells);
        var hash = (words[0] * 0x9e3779b97f4a7c15) ^ (words[1] * 0xc2b2ae3d27d4eb4f);
        hash = (ulong.RotateLeft(hash, 29) * 0x165667b19e3779f9) ^ (words[2] * 0x9fb21c651e98df25);
        hash = (ulong.RotateLeft(hash, 31) * 0x9e3779b97f4a7c15) ^ (words[3] * 0xd6e8feb86659fd93);
        return (int)(hash ^ (hash >> 32));
    }
}
