using System.Globalization;
using Kv.Common.Identity;
using Kv.Node.Requests;
using Microsoft.AspNetCore.WebUtilities;

namespace Kv.Node.Rest;

/// <summary>What is asked for in the query of a listing: <c>prefix</c>, <c>limit</c>, <c>cursor</c>, <c>values</c>.</summary>
internal static class ListQuery
{
    /// <summary>The error is for the client.</summary>
    public static bool TryRead(HttpRequest request, int maxKeyCharacters, ListOptions options, out Listing listing, out string error)
    {
        listing = new(default, null, null, options.DefaultKeys, options.MaxBytes, WithValues: true);
        if (!TryReadPrefix(request, maxKeyCharacters, out var prefix, out error)) return false;
        if (!TryReadLimit(request, options, out var limit, out error)) return false;
        if (!TryReadCursor(request, out var after, out error)) return false;
        if (!TryReadValues(request, out var withValues, out error)) return false;
        listing = listing with { Prefix = prefix, MaxKeys = limit, After = after, WithValues = withValues };
        return true;
    }

    // As it came: what the framework makes of bytes that are no text would be another prefix.
    public static bool TryReadPrefix(HttpRequest request, int maxCharacters, out ReadOnlyMemory<byte> prefix, out string error)
    {
        prefix = default;
        error = "";
        var isGiven = false;
        foreach (var parameter in new QueryStringEnumerable(request.QueryString.Value))
        {
            if (!parameter.DecodeName().Span.Equals("prefix", StringComparison.OrdinalIgnoreCase)) continue;
            if (isGiven) error = "Prefix is given twice";
            else if (RestRequest.TryDecode(parameter.EncodedValue.ToString().Replace('+', ' '), "Prefix", out prefix, out var characters, out error) && characters > maxCharacters)
                error = "Prefix is too long";
            if (error.Length > 0) return false;
            isGiven = true;
        }

        return true;
    }

    private static bool TryReadLimit(HttpRequest request, ListOptions options, out int limit, out string error)
    {
        limit = options.DefaultKeys;
        error = "";
        if (!request.Query.TryGetValue("limit", out var text)) return true;
        if (int.TryParse(text.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit >= 1 && limit <= options.MaxKeys) return true;
        error = Problems.LimitOutOfRange.Title;
        return false;
    }

    // An empty one is the beginning, so that a script can go round without asking whether it is the first time.
    private static bool TryReadCursor(HttpRequest request, out Key? after, out string error)
    {
        after = null;
        error = "";
        if (!request.Query.TryGetValue("cursor", out var text) || text.ToString() is not { Length: > 0 } cursor) return true;
        if (ListCursor.TryRead(cursor, out var key)) after = key;
        else error = "Cursor is malformed";
        return after is not null;
    }

    private static bool TryReadValues(HttpRequest request, out bool withValues, out string error)
    {
        error = "";
        var text = request.Query.TryGetValue("values", out var given) ? given.ToString() : "true";
        withValues = text == "true";
        if (text is not ("true" or "false")) error = "Values must be true or false";
        return error.Length == 0;
    }
}
