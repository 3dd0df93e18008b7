namespace Kv.Node.Rest;

/// <summary>
/// A kind of error, after RFC 9457: what programs tell errors apart by, where people read <c>error</c> and <c>message</c>. Its type is a path that every node answers with what is said here, so
/// whoever meets one can ask the node for it. Types and statuses never change; titles and advice may.
/// </summary>
/// <param name="Name">The last part of the type.</param>
/// <param name="Status">Of the answer that it is in.</param>
/// <param name="Title">The same whenever it happens; where nothing is to be named, it is the answer's <c>error</c> as well.</param>
/// <param name="Advice">What to do about it.</param>
internal sealed record Problem(string Name, int Status, string Title, string Advice)
{
    public const string Path = "/problems";

    /// <summary>A reference relative to the node, as the answer is; <c>about:blank</c>, after the RFC, for one without a name.</summary>
    public string Type { get; } = Name.Length > 0 ? $"{Path}/{Name}" : "about:blank";
}
