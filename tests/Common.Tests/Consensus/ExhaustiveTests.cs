using System.Diagnostics;

namespace Kv.Common.Tests.Consensus;

/// <summary>No run of a small model, of all there are, has two values chosen for one epoch.</summary>
public sealed class ExhaustiveTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1, 3, 2)]
    [InlineData(1, 2, 3)]
    [InlineData(2, 3, 1)]
    public void Three_acceptors_two_proposers_two_and_one_ballots(ulong first, ulong second, ulong other) =>
        Holds(new() { Acceptors = 3, Attempts = [[(first, "a"), (second, "b")], [(other, "c")]] });

    [Fact]
    public void Three_acceptors_two_proposers_two_ballots_each() =>
        Holds(new() { Acceptors = 3, Attempts = [[(1, "a"), (3, "b")], [(2, "c"), (4, "d")]] });

    [Fact]
    public void Three_acceptors_a_proposer_and_a_reader() =>
        Holds(new() { Acceptors = 3, Attempts = [[(1, "a"), (3, "b")], [(2, null)]] });

    [Fact]
    public void Four_acceptors_two_proposers_one_ballot_each() => Holds(new() { Acceptors = 4, Attempts = [[(1, "a")], [(2, "c")]] });

    [Fact]
    public void Four_acceptors_two_proposers_two_and_one_ballots() => Holds(new() { Acceptors = 4, Attempts = [[(1, "a"), (3, "b")], [(2, "c")]] });

    [Fact]
    public void Three_acceptors_two_proposers_and_a_lost_disk() => Holds(new() { Acceptors = 3, Attempts = [[(1, "a"), (3, "b")], [(2, "c")]], LostDisks = 1 });

    [Fact]
    public void The_seal_of_two_addresses_and_a_lost_disk() => Holds(Seal(addresses: 2, lostDisks: 1));

    [Fact]
    public void The_seal_of_three_addresses_and_a_lost_disk() => Holds(Seal(addresses: 3, lostDisks: 1));

    [Fact]
    public void The_seal_of_three_addresses_and_two_lost_disks() => Holds(Seal(addresses: 3, lostDisks: 2));

    // The assumption is stated as it is because it is sharp: the model is not safe merely because it can do too little.
    [Fact]
    public void The_seal_of_two_addresses_does_not_survive_two_lost_disks()
    {
        var (states, violation) = Explorer.Explore(Seal(addresses: 2, lostDisks: 2));
        output.WriteLine($"after {states} states: {violation}");
        Assert.NotNull(violation);
    }

    private static Model Seal(int addresses, int lostDisks) =>
        new() { Acceptors = addresses, Attempts = [[(1, "a")], [(2, "c")]], LostDisks = lostDisks, IsSeal = true };

    private void Holds(Model model)
    {
        var clock = Stopwatch.StartNew();
        var (states, violation) = Explorer.Explore(model);
        output.WriteLine($"{states} states in {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.Null(violation);
    }
}
