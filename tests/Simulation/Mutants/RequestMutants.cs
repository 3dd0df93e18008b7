using Kv.Common.Causality;
using Kv.Common.Time;
using Kv.Node.Requests;

namespace Kv.Simulation.Mutants;

/// <summary>Mutants whose fault lies in what becomes of a client's token.</summary>
internal static class RequestMutants
{
    /// <summary>A read does not wait for what its client has seen.</summary>
    internal sealed class ReadWithoutWaiting : Mutant
    {
        public override Command Enter(Command command, CausalTokenCodec tokens) => command is GetCommand get ? get with { Token = PresentedToken.None } : command;
    }

    /// <summary>A write does not depend on what its client has seen.</summary>
    internal sealed class WriteForgetsPast : Mutant
    {
        public override Command Enter(Command command, CausalTokenCodec tokens) => command is WriteCommand write ? write with { Token = PresentedToken.None } : command;
    }

    /// <summary>What a client has read is not in the token it gets.</summary>
    internal sealed class ReadDropsDependencies : Mutant
    {
        public override Outcome Leave(Command command, Outcome outcome, CausalTokenCodec tokens) => outcome switch
        {
            Outcome.Found found => found with { Token = command.Token.Sealed.IsEmpty ? tokens.Seal(CausalToken.None) : command.Token.Sealed },
            Outcome.Absent absent => absent with { Token = command.Token.Sealed.IsEmpty ? tokens.Seal(CausalToken.None) : command.Token.Sealed },
            _ => outcome,
        };
    }

    /// <summary>The token of a read has only what was read, not what its client had seen before.</summary>
    internal sealed class ReadReplacesPast : Mutant
    {
        public override Outcome Leave(Command command, Outcome outcome, CausalTokenCodec tokens) =>
            outcome is Outcome.Found found ? found with { Token = found.Version } : outcome;
    }

    /// <summary>A write's stamp need not be greater than what its client has seen.</summary>
    internal sealed class IgnoreTokenStamp : Mutant
    {
        public override Command Enter(Command command, CausalTokenCodec tokens)
        {
            if (command is not WriteCommand write || write.Token.Sealed.IsEmpty) return command;
            var token = write.Token.Token with { Stamp = HybridTimestamp.Zero };
            return write with { Token = new(token, tokens.Seal(token)) };
        }
    }

    /// <summary>Only the first shard of a token is kept.</summary>
    internal sealed class ForgetOtherShards : Mutant
    {
        public override Outcome Leave(Command command, Outcome outcome, CausalTokenCodec tokens) => outcome switch
        {
            Outcome.Found found => found with { Token = FirstShard(found.Token, tokens) },
            Outcome.Stored stored => stored with { Token = FirstShard(stored.Token, tokens) },
            _ => outcome,
        };

        private static byte[] FirstShard(ReadOnlyMemory<byte> @sealed, CausalTokenCodec tokens)
        {
            var token = CausalTokenCodec.ReadTrusted(@sealed.Span);
            var kept = Dependencies.None;
            foreach (var dot in token.Dependencies.Count == 0 ? VersionVector.Empty : token.Dependencies[0].Dots) kept = kept.With(token.Dependencies[0].Shard, dot);
            return tokens.Seal(token with { Dependencies = kept });
        }
    }
}
