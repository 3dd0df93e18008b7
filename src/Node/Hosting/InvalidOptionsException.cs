namespace Kv.Node.Hosting;

/// <summary>The configuration cannot be used; says everything that is wrong with it.</summary>
internal sealed class InvalidOptionsException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors))
{
    public IReadOnlyList<string> Errors { get; } = errors;
}
