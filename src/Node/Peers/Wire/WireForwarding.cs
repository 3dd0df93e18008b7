using System.Diagnostics;
using Google.Protobuf;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Node.Requests;
using Kv.Node.Telemetry;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>Forwarded requests and their outcomes between their domain and wire forms.</summary>
internal static class WireForwarding
{
    // For peers that know of no listings.
    private static readonly ByteString AnyKey = ByteString.CopyFromUtf8("-");

    public static W.ForwardBatch ToWire(this ForwardBatch batch)
    {
        var wire = new W.ForwardBatch();
        wire.Requests.Capacity = batch.Requests.Count;
        foreach (var request in batch.Requests) wire.Requests.Add(request.ToWire());
        return wire;
    }

    public static ForwardBatch ToDomain(this W.ForwardBatch wire)
    {
        var requests = new ForwardRequest[wire.Requests.Count];
        for (var i = 0; i < requests.Length; i++) requests[i] = wire.Requests[i].ToDomain();
        return new(requests);
    }

    public static W.ForwardReplyBatch ToWire(this ForwardReplyBatch batch)
    {
        var wire = new W.ForwardReplyBatch();
        wire.Replies.Capacity = batch.Replies.Count;
        foreach (var reply in batch.Replies) wire.Replies.Add(reply.ToWire());
        return wire;
    }

    public static ForwardReplyBatch ToDomain(this W.ForwardReplyBatch wire)
    {
        var replies = new ForwardReply[wire.Replies.Count];
        for (var i = 0; i < replies.Length; i++) replies[i] = wire.Replies[i].ToDomain();
        return new(replies);
    }

    public static W.ForwardRequest ToWire(this ForwardRequest request) => new()
    {
        Id = request.Id,
        Epoch = request.Epoch.Value,
        Operation = request.Listing is null ? (W.Operation)request.Operation : W.Operation.Get,
        Key = request.Listing is null ? request.Key.Utf8.ToWire() : AnyKey,
        Listing = request.Listing?.ToWire(),
        Value = request.Value.ToWire(),
        Token = request.SealedToken.ToWire(),
        WriteConcern = (W.WriteConcern)request.Concern,
        TimeoutMs = (uint)Math.Clamp(request.Timeout.TotalMilliseconds, 0, uint.MaxValue),
        Shard = (uint)request.Shard.Value,
        TraceParent = request.Trace == default ? "" : KvTracing.Format(request.Trace),
        TraceState = request.Trace.TraceState ?? "",
    };

    public static ForwardRequest ToDomain(this W.ForwardRequest wire)
    {
        var listing = wire.Listing is not null && wire.Operation == W.Operation.Get ? wire.Listing.ToDomain() : null;
        if (wire.Operation is < W.Operation.Get or > W.Operation.CountKeys) throw new WireFormatException("Unknown operation.");
        if (wire.WriteConcern is < W.WriteConcern.Default or > W.WriteConcern.All) throw new WireFormatException("Unknown write concern.");
        if (wire.Operation != W.Operation.CountKeys && wire.Key.IsEmpty) throw new WireFormatException("A key is needed.");
        return new(
            wire.Id,
            new(wire.Epoch),
            listing is null ? (ForwardedOperation)wire.Operation : ForwardedOperation.List,
            new Key(wire.Key.Memory),
            wire.Value.Memory,
            wire.Token.Memory,
            (WriteConcernLevel)wire.WriteConcern,
            TimeSpan.FromMilliseconds(wire.TimeoutMs),
            new((int)Math.Min(wire.Shard, int.MaxValue)))
        {
            Listing = listing,
            Trace = KvTracing.Parse(wire.TraceParent, wire.TraceState),
        };
    }

    public static W.ForwardReply ToWire(this ForwardReply reply)
    {
        var wire = new W.ForwardReply { Id = reply.Id };
        switch (reply.Outcome)
        {
            case Outcome.Stored stored:
                wire.Stored = new()
                {
                    Deleted = stored.Deleted,
                    Replaced = stored.Replaced,
                    Token = stored.Token.ToWire(),
                    Shard = (uint)stored.Shard.Value,
                    Replicas = (uint)stored.Replicas,
                };
                break;
            case Outcome.Found found:
                wire.Found = new()
                {
                    Value = found.Value.ToWire(),
                    Token = found.Token.ToWire(),
                    Version = found.Version.ToWire(),
                    Shard = (uint)found.Shard.Value,
                };
                break;
            case Outcome.Absent absent:
                wire.Absent = new() { Token = absent.Token.ToWire(), Shard = (uint)absent.Shard.Value };
                break;
            case Outcome.Counted counted:
                wire.Counted = new() { LiveKeys = (ulong)counted.LiveKeys, Vector = counted.Vector.ToWire(), Group = counted.Group.Value, Epoch = counted.Epoch.Value };
                break;
            case Outcome.Listed listed:
                wire.Listed = listed.ToWire();
                break;
            default:
                wire.Refused = ToRefusal(reply.Outcome);
                break;
        }

        return wire;
    }

    public static ForwardReply ToDomain(this W.ForwardReply wire) => new(wire.Id, wire.OutcomeCase switch
    {
        W.ForwardReply.OutcomeOneofCase.Stored => new Outcome.Stored(
            wire.Stored.Deleted, wire.Stored.Replaced, wire.Stored.Token.Memory, new((int)wire.Stored.Shard), (int)wire.Stored.Replicas),
        // No JSON value is empty, and an answer cannot be written with one that is.
        W.ForwardReply.OutcomeOneofCase.Found when wire.Found.Value.IsEmpty => throw new WireFormatException("A value that is empty."),
        W.ForwardReply.OutcomeOneofCase.Found => new Outcome.Found(
            wire.Found.Value.Memory, wire.Found.Token.Memory, wire.Found.Version.Memory, new((int)wire.Found.Shard)),
        W.ForwardReply.OutcomeOneofCase.Absent => new Outcome.Absent(wire.Absent.Token.Memory, new((int)wire.Absent.Shard)),
        W.ForwardReply.OutcomeOneofCase.Counted => new Outcome.Counted((long)wire.Counted.LiveKeys, wire.Counted.Vector.ToDomain(), new(wire.Counted.Group), new(wire.Counted.Epoch)),
        W.ForwardReply.OutcomeOneofCase.Listed => wire.Listed.ToDomain(),
        W.ForwardReply.OutcomeOneofCase.Refused => ToOutcome(wire.Refused),
        _ => throw new WireFormatException("A reply without an outcome."),
    });

    private static W.Refused ToRefusal(Outcome outcome) => outcome switch
    {
        Outcome.DependenciesMissing missing => new()
        {
            Reason = W.Refusal.DependenciesMissing,
            Missing = missing.Missing.ToWire(),
            Shard = (uint)missing.Shard.Value,
        },
        Outcome.NotOwner notOwner => new() { Reason = W.Refusal.NotOwner, Epoch = notOwner.Epoch.Value },
        Outcome.WriteConcernNotMet notMet => new()
        {
            Reason = W.Refusal.WriteConcern,
            Required = (uint)notMet.Required,
            Replicas = (uint)notMet.Replicas,
            Shard = (uint)notMet.Shard.Value,
        },
        Outcome.ClockSkew skew => new() { Reason = W.Refusal.ClockSkew, AheadMs = skew.AheadMs },
        Outcome.StampOutOfRange stamp => new() { Reason = W.Refusal.StampOutOfRange, AheadMs = stamp.AheadMs },
        Outcome.TokenRejected { Reason: TokenRejection.ForeignCluster } => new() { Reason = W.Refusal.TokenForeign },
        Outcome.TokenRejected { Reason: TokenRejection.Tampered } => new() { Reason = W.Refusal.TokenTampered },
        Outcome.TokenRejected => new() { Reason = W.Refusal.TokenMalformed },
        Outcome.Overloaded => new() { Reason = W.Refusal.Overloaded },
        Outcome.InsufficientStorage full => new() { Reason = W.Refusal.InsufficientStorage, Shard = (uint)full.Shard.Value },
        Outcome.ShardUnavailable unavailable => new() { Reason = W.Refusal.Unavailable, Shard = (uint)unavailable.Shard.Value },
        _ => throw new UnreachableException(),
    };

    private static Outcome ToOutcome(W.Refused refused) => refused.Reason switch
    {
        W.Refusal.DependenciesMissing => new Outcome.DependenciesMissing(new((int)refused.Shard), refused.Missing.ToDomain()),
        W.Refusal.NotOwner => new Outcome.NotOwner(new(refused.Epoch)),
        W.Refusal.WriteConcern => new Outcome.WriteConcernNotMet(new((int)refused.Shard), (int)refused.Required, (int)refused.Replicas),
        W.Refusal.ClockSkew => new Outcome.ClockSkew(refused.AheadMs),
        W.Refusal.StampOutOfRange => new Outcome.StampOutOfRange(refused.AheadMs),
        W.Refusal.TokenForeign => new Outcome.TokenRejected(TokenRejection.ForeignCluster),
        W.Refusal.TokenTampered => new Outcome.TokenRejected(TokenRejection.Tampered),
        W.Refusal.TokenMalformed => new Outcome.TokenRejected(TokenRejection.Malformed),
        W.Refusal.Overloaded => new Outcome.Overloaded(),
        W.Refusal.InsufficientStorage => new Outcome.InsufficientStorage(new((int)refused.Shard)),
        W.Refusal.Unavailable => new Outcome.ShardUnavailable(new((int)refused.Shard), MayHaveBeenWritten: false),
        _ => throw new WireFormatException("Unknown refusal."),
    };
}
