using Kv.Common.Causality;
using Kv.Common.Time;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Mutants;

/// <summary>Mutants whose fault lies in what becomes of a client's token.</summary>
internal static class RequestMutants
{
    /// <summary>A read does not wait for what its client has seen; its token is as it should be.</summary>
    internal sealed class ReadWithoutWaiting : Mutant
    {
        public override Command Enter(Command command, SimNode node) => command is GetCommand get ? get with { Token = PresentedToken.None } : command;

        public override Outcome Leave(Command command, Outcome outcome, SimNode node) => Rewrite(command, outcome, node, (past, seen) => past.Join(seen));
    }

    /// <summary>A write does not depend on what its client has seen.</summary>
    internal sealed class WriteForgetsPast : Mutant
    {
        public override Command Enter(Command command, SimNode node) => command is WriteCommand write ? write with { Token = PresentedToken.None } : command;
    }

    /// <summary>What a client has read is not in the token it gets.</summary>
    internal sealed class ReadDropsDependencies : Mutant
    {
        public override Outcome Leave(Command command, Outcome outcome, SimNode node) => Rewrite(command, outcome, node, (past, _) => past);
    }

    /// <summary>The token of a read has only what was read, not what its client had seen before.</summary>
    internal sealed class ReadReplacesPast : Mutant
    {
        public override Outcome Leave(Command command, Outcome outcome, SimNode node) =>
            outcome is Outcome.Found found ? Rewrite(command, outcome, node, (_, _) => CausalTokenCodec.ReadTrusted(found.Version.Span)) : outcome;
    }

    /// <summary>A write's stamp need not be greater than what its client has seen.</summary>
    internal sealed class IgnoreTokenStamp : Mutant
    {
        public override Command Enter(Command command, SimNode node)
        {
            if (command is not WriteCommand write || write.Token.Sealed.IsEmpty) return command;
            var token = write.Token.Token with { Stamp = HybridTimestamp.Zero };
            return write with { Token = new(token, Codec(node).Seal(token)) };
        }
    }

    /// <summary>Only the first shard of a token is kept.</summary>
    internal sealed class ForgetOtherShards : Mutant
    {
        // What is forgotten must be missing somewhere.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.SlowLink, FaultKind.OneWayCut };

        public override Outcome Leave(Command command, Outcome outcome, SimNode node) => Rewrite(command, outcome, node, (_, seen) =>
        {
            return seen.Dependencies.IsEmpty ? seen : seen with { Dependencies = seen.Dependencies.OfGroups(group => group == seen.Dependencies[0].Origin.Group) };
        });
    }

    // Gives a read's token other content, pruned as the real one is.
    private static Outcome Rewrite(Command command, Outcome outcome, SimNode node, Func<CausalToken, CausalToken, CausalToken> change)
    {
        return outcome switch
        {
            Outcome.Found found => found with { Token = Change(found.Token) },
            Outcome.Absent absent => absent with { Token = Change(absent.Token) },
            _ => outcome,
        };

        ReadOnlyMemory<byte> Change(ReadOnlyMemory<byte> token)
        {
            var changed = change(command.Token.Token, CausalTokenCodec.ReadTrusted(token.Span));
            return Codec(node).Seal(changed.Prune(node.Services!.GetRequiredService<Stability>().Stable.Vector));
        }
    }

    private static CausalTokenCodec Codec(SimNode node) => node.Services!.GetRequiredService<CausalTokenCodec>();
}
