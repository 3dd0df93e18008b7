using Kv.Common.Causality;

namespace Kv.Common.Tests.Causality;

public sealed class CausalTokenTests
{
    private static readonly Gen<(CausalToken, CausalToken)> Two = Gen.Select(Generators.Token, Generators.Token);

    [Fact]
    public void Join_is_commutative() => Two.Sample((a, b) => Assert.Equal(a.Join(b), b.Join(a)));

    [Fact]
    public void Join_is_associative() => Gen.Select(Generators.Token, Generators.Token, Generators.Token)
        .Sample((a, b, c) => Assert.Equal(a.Join(b).Join(c), a.Join(b.Join(c))));

    [Fact]
    public void Join_is_idempotent() => Generators.Token.Sample(a => Assert.Equal(a, a.Join(a)));

    [Fact]
    public void The_token_of_having_seen_nothing_is_neutral() => Generators.Token.Sample(a => Assert.Equal(a, CausalToken.None.Join(a)));

    [Fact]
    public void Join_never_goes_back_in_epoch_or_stamp() => Two.Sample((a, b) =>
        Assert.True(a.Join(b).Epoch >= a.Epoch && a.Join(b).Stamp >= a.Stamp && a.Join(b).Stamp >= b.Stamp));

    [Fact]
    public void Prune_keeps_epoch_and_stamp() => Gen.Select(Generators.Token, Generators.Vector).Sample((a, stable) =>
    {
        var pruned = a.Prune(stable);
        Assert.Equal((a.Epoch, a.Stamp), (pruned.Epoch, pruned.Stamp));
    });

    [Fact]
    public void Prune_drops_exactly_the_dots_that_are_stable_and_leaves_a_token_without_any_as_it_is() => Gen.Select(Generators.Token, Generators.Token, Generators.Vector)
        .Sample((a, other, stable) =>
        {
            var all = other.Dependencies.Join(stable);
            var token = a with { Dependencies = a.Dependencies.Join(stable) };
            Assert.Equal(token.Dependencies.Where(dot => !all.Covers(dot)), token.Prune(all).Dependencies);
            Assert.Same(a, a.Prune(VersionVector.Empty));
        });

    [Fact]
    public void A_token_pruned_of_what_is_stable_and_joined_again_names_as_much() => Gen.Select(Generators.Vector, Generators.Vector).Sample((past, stable) =>
        Assert.Equal(past.Join(stable), (CausalToken.None with { Dependencies = past }).Prune(stable).Dependencies.Join(stable)));
}
