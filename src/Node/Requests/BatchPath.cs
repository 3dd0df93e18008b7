using System.Diagnostics;
using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Requests;

/// <summary>
/// Does the operations of a batch one after the other, each with the token of the one before, as a client would that sends them one by one: so each is causally after those before it, and reads
/// what they wrote. Not a transaction: others see some of the writes before the others, and what was done stays when a later one fails. After one that fails none is begun, because its client may
/// have meant it to be in the past of the rest.
/// </summary>
internal sealed class BatchPath(WritePath writes, ReadPath reads, CausalTokenCodec tokens, RequestIntake intake, TimeProvider time, RequestOptions options, BatchOptions batch)
{
    public async ValueTask<BatchOutcome> RunAsync(IReadOnlyList<BatchOperation> operations, PresentedToken token, WriteConcernLevel concern)
    {
        var deadline = Deadline.In(batch.Timeout, time);
        var outcomes = new List<Outcome>(operations.Count);
        var bytes = 0L;
        foreach (var operation in operations)
        {
            // A node that ends answers what was done, and begins nothing.
            if (intake.IsClosed) return Ended(BatchEnd.Failed);
            if (deadline.Remaining(time) == TimeSpan.Zero) return Ended(BatchEnd.OutOfTime);
            if (bytes >= batch.MaxAnswerBytes) return Ended(BatchEnd.AnswerFull);
            var origin = RequestOrigin.Client(options, time);
            origin = origin with { Deadline = origin.Deadline.Earlier(deadline), PastDeadline = origin.PastDeadline.Earlier(deadline) };
            var outcome = await DoAsync(operation, token, concern, origin);
            outcomes.Add(outcome);
            if (After(outcome) is not var (@sealed, shard)) return Ended(BatchEnd.Failed);
            if (tokens.TryOpen(@sealed.Span, out var opened) != TokenRejection.None)
            {
                // Whoever gives out such tokens has nothing to say, of what it did neither.
                outcomes[^1] = new Outcome.ShardUnavailable(shard, operation.IsWrite);
                return Ended(BatchEnd.Failed);
            }

            token = new(opened, @sealed);
            bytes += @sealed.Length + (outcome is Outcome.Found found ? found.Value.Length : 0);
        }

        return Ended(BatchEnd.Done);

        BatchOutcome Ended(BatchEnd end) => new(outcomes, end, token.Sealed.IsEmpty ? tokens.Seal(token.Token) : token.Sealed);
    }

    private ValueTask<Outcome> DoAsync(BatchOperation operation, PresentedToken token, WriteConcernLevel concern, RequestOrigin origin) => operation.Method switch
    {
        BatchMethod.Get => reads.ReadAsync(new(operation.Key, token), origin),
        BatchMethod.Put => writes.WriteAsync(new PutCommand(operation.Key, operation.Value, token, concern), origin),
        BatchMethod.Delete => writes.WriteAsync(new DeleteCommand(operation.Key, token, concern), origin),
        _ => throw new UnreachableException(),
    };

    // Null when it was not done, or nobody can say.
    private static (ReadOnlyMemory<byte> Token, ShardId Shard)? After(Outcome outcome) => outcome switch
    {
        Outcome.Stored stored => (stored.Token, stored.Shard),
        Outcome.Found found => (found.Token, found.Shard),
        Outcome.Absent absent => (absent.Token, absent.Shard),
        _ => null,
    };
}
