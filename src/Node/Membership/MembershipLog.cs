using Kv.Common.Identity;

namespace Kv.Node.Membership;

/// <summary>The messages of membership, 3000 to 3099.</summary>
internal static partial class MembershipLog
{
    [LoggerMessage(3000, LogLevel.Information, "{Peer} joined as {Incarnation}")]
    public static partial void Joined(ILogger logger, NodeAddress peer, Incarnation incarnation);

    [LoggerMessage(3001, LogLevel.Information, "{Peer} is suspect: nothing heard for {SilenceMs:F0} ms")]
    public static partial void Suspected(ILogger logger, NodeAddress peer, double silenceMs);

    [LoggerMessage(3002, LogLevel.Information, "{Peer} is heard again")]
    public static partial void Cleared(ILogger logger, NodeAddress peer);

    [LoggerMessage(3003, LogLevel.Information, "{Peer} is dead: nothing heard for {SilenceMs:F0} ms, and none of the {Witnesses} asked hears it")]
    public static partial void Dead(ILogger logger, NodeAddress peer, double silenceMs, int witnesses);

    [LoggerMessage(3004, LogLevel.Information, "{Peer} returned as {Incarnation}")]
    public static partial void Returned(ILogger logger, NodeAddress peer, Incarnation incarnation);

    [LoggerMessage(3005, LogLevel.Information, "{Peer} was replaced: {Former} is now {Incarnation}")]
    public static partial void Replaced(ILogger logger, NodeAddress peer, Incarnation former, Incarnation incarnation);

    [LoggerMessage(3006, LogLevel.Information, "{Peer} left the topology")]
    public static partial void Left(ILogger logger, NodeAddress peer);

    [LoggerMessage(3007, LogLevel.Debug, "Others hear {Peer}, this node does not: it stays in the view, and no request is routed to it")]
    public static partial void HeardByOthers(ILogger logger, NodeAddress peer);

    [LoggerMessage(3008, LogLevel.Information, "This process stood still for {PauseMs:F0} ms; the silence of others meanwhile is not counted")]
    public static partial void Paused(ILogger logger, double pauseMs);

    [LoggerMessage(3009, LogLevel.Debug, "A beat of {Peer} was dropped: the membership loop is behind")]
    public static partial void BeatDropped(ILogger logger, NodeAddress peer);

    [LoggerMessage(3010, LogLevel.Debug, "A late beat of {Incarnation}, which was replaced at {Peer} or has ended, was ignored")]
    public static partial void LeftoverIgnored(ILogger logger, NodeAddress peer, Incarnation incarnation);

    [LoggerMessage(3011, LogLevel.Trace, "Heard {Peer}")]
    public static partial void Heard(ILogger logger, NodeAddress peer);

    [LoggerMessage(3012, LogLevel.Information, "{Peer} is about to end: others are asked from now on")]
    public static partial void Leaving(ILogger logger, NodeAddress peer);

    [LoggerMessage(3013, LogLevel.Information, "{Peer} has ended, as it says")]
    public static partial void Gone(ILogger logger, NodeAddress peer);

    [LoggerMessage(3020, LogLevel.Debug, "Heartbeat stream to {Peer} is open")]
    public static partial void StreamOpen(ILogger logger, NodeAddress peer);

    [LoggerMessage(3021, LogLevel.Debug, "Heartbeat stream to {Peer} ended: {Reason}")]
    public static partial void StreamEnded(ILogger logger, NodeAddress peer, string reason);

    [LoggerMessage(3022, LogLevel.Debug, "Heartbeat stream from {Peer} ended: {Reason}")]
    public static partial void InboundEnded(ILogger logger, string peer, string reason);

    [LoggerMessage(3030, LogLevel.Warning, "Heartbeats of {Peer} are refused: it {Reason}")]
    public static partial void Refused(ILogger logger, NodeAddress peer, string reason);
}
