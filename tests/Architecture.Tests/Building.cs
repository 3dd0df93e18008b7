namespace Kv.Architecture.Tests;

/// <summary>Judges usages within one root namespace by <see cref="Rules"/>.</summary>
internal sealed class Building(string root)
{
    /// <summary>Each forbidden usage, one a line, as "user → used: why not", without the root; empty when there is none.</summary>
    public string Violations(IEnumerable<Usage> usages) => string.Join('\n', usages
        .Where(usage => IsIn(usage.User, root) && !Rules.Exceptions.Any(exception => Covers(exception, usage)))
        .Select(Violation)
        .OfType<string>()
        .Distinct()
        .Order(StringComparer.Ordinal));

    /// <summary>The exceptions to the rules that nothing needs any more.</summary>
    public IEnumerable<string> UnneededExceptions(IReadOnlyCollection<Usage> usages) => Rules.Exceptions
        .Where(exception => !usages.Any(usage => Covers(exception, usage)))
        .Select(exception => $"{exception.User} → {exception.Used}");

    private bool Covers((string User, string Used, string Reason) exception, Usage usage) =>
        IsIn(Inside(usage.User), exception.User) && Inside(usage.Used) == exception.Used;

    private string? Violation(Usage usage)
    {
        var user = Inside(usage.User);
        if (RoomOf(user) is not { } room) return $"{user}: in no room that the rules know";
        return room != Rules.Top && ReasonAgainst(usage, user, room) is { } reason ? $"{user} → {Inside(usage.Used)}: {reason}" : null;
    }

    private string? ReasonAgainst(Usage usage, string user, string room)
    {
        if (Rules.Libraries.Keys.FirstOrDefault(name => IsIn(usage.Used, name)) is { } library)
            return Rules.Libraries[library].Any(allowed => IsIn(user, allowed)) ? null : $"{library} does not belong in {room}";

        if (!IsIn(usage.Used, root)) return null;
        var used = RoomOf(Inside(usage.Used));
        if (used == room || (used is not null && (Rules.Leaves.Contains(used) || Allowed(room).Contains(used)))) return null;
        return $"{room} may not use {used ?? "an unknown room"}";
    }

    private static string[] Allowed(string room) => Rules.Leaves.Contains(room) ? [] : Rules.MayUse[room];

    private static string? RoomOf(string name) =>
        Rules.Messages.Any(message => IsIn(name, message)) ? "Messages"
        : Rules.MayUse.Keys.Concat(Rules.Leaves).Append(Rules.Top).FirstOrDefault(room => IsIn(name, room));

    private string Inside(string name) => IsIn(name, root) ? name[(root.Length + 1)..] : name;

    /// <summary>True when <paramref name="name"/> is <paramref name="place"/> or lies inside it.</summary>
    public static bool IsIn(string name, string place) =>
        name.StartsWith(place, StringComparison.Ordinal) && (name.Length == place.Length || name[place.Length] == '.');
}
