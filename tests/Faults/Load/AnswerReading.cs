using System.Text.Json;
using Kv.Histories;
using Kv.TestSupport;

namespace Kv.Faults.Load;

/// <summary>What an answer says about the operation it answers.</summary>
internal static class AnswerReading
{
    /// <summary>Writes down what became of the operation; null for no answer. Returns what is wrong with an answer that is none of those promised.</summary>
    /// <param name="history">Of the round.</param>
    /// <param name="operation">Not answered yet.</param>
    /// <param name="answer">Null when none came.</param>
    /// <param name="wasSent">False when it is certain that no node received the request.</param>
    /// <param name="node">Who was asked.</param>
    public static string? Take(RoundHistory history, Operation operation, KvAnswer? answer, bool wasSent, string node)
    {
        operation.Answer = $"{(answer is null ? wasSent ? "no answer" : "not sent" : answer.Status >= 500 ? $"{answer.Status} {answer.Body}" : KvClient.Number(answer.Status))} at {node}";
        switch (answer)
        {
            case null:
                operation.Status = wasSent ? OperationStatus.Unknown : OperationStatus.Refused;
                return null;
            case { Status: 200, Json: not null } when operation.Kind is OperationKind.Read:
                operation.ReadFrom = history.PutOf(answer.RawValue);
                if (operation.ReadFrom >= 0) history.Establish(operation.ReadFrom, Stamps.RankOf(answer.Version));
                return Acknowledge(operation, answer);
            case { Status: 404, Json: not null } when operation.Kind is OperationKind.Read && answer.HasMember("causal-metadata"):
                return Acknowledge(operation, answer);
            case { Status: 404, Json: not null } when operation.Kind is OperationKind.Delete && answer.HasMember("causal-metadata"):
                // A deletion that found nothing wrote nothing.
                operation.FoundNothing = true;
                operation.Status = OperationStatus.Refused;
                return null;
            case { Status: 200 or 201, Json: not null } when operation.IsWrite:
                operation.Replicas = answer.Member("replicas").GetInt32();
                operation.Rank = Stamps.RankOf(answer.Version);
                return Acknowledge(operation, answer);
            case { Status: 503 or 507, Json: not null } when answer.HasMember("error") && answer.HasMember("message"):
                operation.Status = Says(answer, "written") || Says(answer, "may-have-been-written") ? OperationStatus.Unknown : OperationStatus.Refused;
                return null;
            default:
                return $"{operation} was answered {answer}";
        }
    }

    /// <summary>True when the past that the client presented was not there in time.</summary>
    public static bool IsMissingPast(KvAnswer? answer) => answer is { Status: 503, Json: not null } && answer.HasMember("missing");

    private static string? Acknowledge(Operation operation, KvAnswer answer)
    {
        operation.Status = OperationStatus.Acknowledged;
        operation.TokenLength = answer.Token.Length;
        return null;
    }

    private static bool Says(KvAnswer answer, string member) => answer.HasMember(member) && answer.Member(member).ValueKind is JsonValueKind.True;
}
