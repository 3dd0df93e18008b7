using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Kv.Console.Tests;

/// <summary>How the page looks in the dark, on a phone, and to those who do not see it.</summary>
[Collection(nameof(Browsed))]
public sealed class AppearanceTests(Browsed browsed)
{
    [Theory]
    [InlineData(ColorScheme.Light, 1250)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 390)]
    [InlineData(ColorScheme.Dark, 320)]
    public async Task Nothing_is_wrong_with_its_accessibility_and_nothing_is_wider_than_the_window(ColorScheme scheme, int width)
    {
        await using var console = await browsed.OpenAsync(node: 0, context =>
        {
            context.ColorScheme = scheme;
            context.ViewportSize = new() { Width = width, Height = 844 };
            // For the checker, which is a script that the page's policy would not let in.
            context.BypassCSP = true;
        });
        await console.Page.Locator("#explorer-key").FillAsync(Browsed.Effect);
        await console.Page.Keyboard.PressAsync("Enter");
        await Expect(console.Page.Locator("#explorer-result table")).ToBeVisibleAsync();
        await console.Page.Locator("#samples summary").ClickAsync();

        var background = await console.Page.Locator("body").EvaluateAsync<string>("body => getComputedStyle(body).backgroundColor");
        Assert.Equal(scheme is ColorScheme.Dark, Brightness(background) < 100);
        Assert.Equal(width, await console.Page.EvaluateAsync<int>("() => Math.max(document.documentElement.scrollWidth, innerWidth)"));

        var violations = (await console.Page.RunAxe()).Violations;
        Assert.True(violations.Length == 0, string.Join('\n', violations.Select(violation => $"{violation.Id}: {violation.Help}: {string.Join(", ", violation.Nodes.Select(node => node.Html))}")));
    }

    [Fact]
    public async Task The_picture_in_the_readme_shows_a_reshard_under_way()
    {
        await using var console = await browsed.OpenAsync(node: 0, context => context.ViewportSize = new() { Width = 1260, Height = 940 });
        var before = await console.ShardCount.TextContentAsync();
        if (before != "2")
        {
            await browsed.Nodes[0].Client.ReshardAsync(2);
            await Expect(console.ShardCount).ToHaveTextAsync("2");
        }

        await console.Page.Locator("#explorer-key").FillAsync(Browsed.Effect);
        await console.Page.Keyboard.PressAsync("Enter");
        await console.Page.Locator("header").ScrollIntoViewIfNeededAsync();
        using var enough = new CancellationTokenSource();
        var reading = Parallel.ForEachAsync(browsed.Nodes, async (node, _) =>
        {
            for (var i = 0; !enough.IsCancellationRequested; i++) await node.Client.GetAsync($"key-{i % 100}");
        });
        await Expect(console.Page.Locator("#tile-load")).Not.ToHaveTextAsync("0");
        var asked = browsed.Nodes[1].Client.ReshardAsync(3);
        await Expect(console.Page.Locator("#ring-moving path").First).ToBeAttachedAsync();
        await Expect(console.Bar).Not.ToHaveAttributeAsync("aria-valuenow", "0");
        // UPDATE_DOCS=1 takes it anew, as it does with the other documents that are made.
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1") await console.Page.ScreenshotAsync(new() { Path = PicturePath() });
        else Assert.True(File.Exists(PicturePath()));
        await asked;
        await enough.CancelAsync();
        await reading;
    }

    private static double Brightness(string rgb) => rgb[(rgb.IndexOf('(') + 1)..^1].Split(',').Take(3).Average(part => double.Parse(part, System.Globalization.CultureInfo.InvariantCulture));

    private static string PicturePath([System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../docs/images/console.png"));
}
