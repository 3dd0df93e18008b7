using System.Text.Json;
using System.Text.RegularExpressions;

namespace Kv.Docker.Tests.Tour;

/// <summary>
/// How the README shows an answer: an object is answered by one with at least its members, "…" stands for any value, and
/// … within a string for any text. Everything else is meant literally.
/// </summary>
internal static class JsonExpectation
{
    private const string Anything = "…";

    /// <summary>Null when <paramref name="actual"/> is as shown; otherwise where it differs.</summary>
    public static string? Difference(JsonElement shown, JsonElement actual, string path = "$")
    {
        if (shown.ValueKind == JsonValueKind.String && shown.GetString() == Anything)
        {
            return null;
        }

        if (shown.ValueKind != actual.ValueKind)
        {
            return Differs();
        }

        switch (shown.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in shown.EnumerateObject())
                {
                    var memberPath = $"{path}.{member.Name}";
                    var difference = actual.TryGetProperty(member.Name, out var value)
                        ? Difference(member.Value, value, memberPath)
                        : $"{memberPath} is missing in {actual.GetRawText()}";
                    if (difference is not null)
                    {
                        return difference;
                    }
                }

                return null;
            case JsonValueKind.Array when shown.GetArrayLength() == actual.GetArrayLength():
                return shown.EnumerateArray().Zip(actual.EnumerateArray())
                    .Select((pair, index) => Difference(pair.First, pair.Second, $"{path}[{index}]"))
                    .FirstOrDefault(difference => difference is not null);
            case JsonValueKind.String:
                var pattern = string.Join(".*", shown.GetString()!.Split(Anything).Select(Regex.Escape));
                return Regex.IsMatch(actual.GetString()!, $"\\A{pattern}\\z", RegexOptions.Singleline) ? null : Differs();
            default:
                return JsonElement.DeepEquals(shown, actual) ? null : Differs();
        }

        string Differs() => $"{path}: the README shows {shown.GetRawText()}, the answer is {actual.GetRawText()}";
    }

    /// <summary>The JSON values that a text consists of, one after the other.</summary>
    public static IReadOnlyList<JsonElement> Values(string text)
    {
        var reader = new Utf8JsonReader(System.Text.Encoding.UTF8.GetBytes(text), new JsonReaderOptions { AllowMultipleValues = true });
        var values = new List<JsonElement>();
        while (reader.Read())
        {
            values.Add(JsonElement.ParseValue(ref reader));
        }

        return values;
    }
}
