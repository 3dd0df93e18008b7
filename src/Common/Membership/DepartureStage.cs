namespace Kv.Common.Membership;

/// <summary>How far a node is with ending by itself. Values are those of the wire; a node only goes forward, until it is started again.</summary>
public enum DepartureStage
{
    /// <summary>It means to stay.</summary>
    Staying = 0,

    /// <summary>It ends soon and still serves what reaches it: not in the view, and asked only where there is nobody else.</summary>
    Leaving = 1,

    /// <summary>It takes nothing any more, and is as good as dead.</summary>
    Gone = 2,
}
