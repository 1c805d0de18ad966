using MudBlazor;

namespace Gateway.Components.Layout;

/// <summary>
/// The two palettes. Both go into the document's head; <c>theme.js</c> marks the document with the one that counts, so no page waits for the
/// server to know it. Texts keep 4.5:1 against what they stand on (WCAG AA).
/// </summary>
internal static class GatewayTheme
{
    // Latin comes with the dashboard; other scripts come from the system.
    private static readonly string[] Sans = ["Inter", "system-ui", "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"];

    public static MudTheme Light { get; } = new()
    {
        Typography = Type(),
        LayoutProperties = Layout(),
        PaletteLight = new PaletteLight
        {
            Primary = "#1a5fc4",
            Secondary = "#5b6472",
            Tertiary = "#0f766e",
            Info = "#0b63a5",
            Success = "#137a3b",
            Warning = "#95580a",
            Error = "#b9261c",
            Dark = "#1f2733",
            TextPrimary = "#171c24",
            TextSecondary = "#535d6b",
            TextDisabled = "#8b94a1",
            ActionDefault = "#535d6b",
            Background = "#f5f6f8",
            BackgroundGray = "#eceef2",
            Surface = "#ffffff",
            AppbarBackground = "#ffffff",
            AppbarText = "#171c24",
            DrawerBackground = "#ffffff",
            DrawerText = "#3a4350",
            DrawerIcon = "#5b6472",
            LinesDefault = "#e1e4ea",
            LinesInputs = "#b4bbc6",
            TableLines = "#e8eaef",
            TableHover = "#f3f6fb",
            TableStriped = "#fafbfc",
            Divider = "#e1e4ea",
            Skeleton = "#e4e7ec",
        },
    };

    public static MudTheme Dark { get; } = new()
    {
        PseudoCss = new PseudoCss { Scope = ":root[data-theme=dark]" },
        Typography = Type(),
        LayoutProperties = Layout(),
        PaletteDark = new PaletteDark
        {
            Primary = "#7eb0ff",
            PrimaryContrastText = "#0b1220",
            Secondary = "#a3adbb",
            SecondaryContrastText = "#0b1220",
            Tertiary = "#5ccfc0",
            TertiaryContrastText = "#0b1220",
            Info = "#7cc4f5",
            InfoContrastText = "#0b1220",
            Success = "#62cf8b",
            SuccessContrastText = "#0b1220",
            Warning = "#eeb45c",
            WarningContrastText = "#0b1220",
            Error = "#ff8f85",
            ErrorContrastText = "#0b1220",
            Dark = "#2a313c",
            TextPrimary = "#e6e9ee",
            TextSecondary = "#a5aebb",
            TextDisabled = "#6b7481",
            ActionDefault = "#a5aebb",
            Background = "#0f1318",
            BackgroundGray = "#0b0e12",
            Surface = "#171c23",
            AppbarBackground = "#141920",
            AppbarText = "#e6e9ee",
            DrawerBackground = "#141920",
            DrawerText = "#c3cad4",
            DrawerIcon = "#929cab",
            LinesDefault = "#28303a",
            LinesInputs = "#4b5563",
            TableLines = "#232a33",
            TableHover = "#1d242d",
            TableStriped = "#191f26",
            Divider = "#28303a",
            Skeleton = "#262d37",
        },
    };

    private static Typography Type() => new()
    {
        Default = { FontFamily = Sans, FontSize = ".875rem", LineHeight = "1.5", LetterSpacing = "0" },
        H1 = { FontSize = "1.375rem", FontWeight = "650", LineHeight = "1.3", LetterSpacing = "-.01em" },
        H2 = { FontSize = "1rem", FontWeight = "600", LineHeight = "1.4", LetterSpacing = "0" },
        H3 = { FontSize = ".875rem", FontWeight = "600", LineHeight = "1.4", LetterSpacing = "0" },
        H6 = { FontSize = "1.0625rem", FontWeight = "600", LineHeight = "1.4", LetterSpacing = "0" },
        Body1 = { FontSize = ".875rem", LineHeight = "1.5", LetterSpacing = "0" },
        Body2 = { FontSize = ".8125rem", LineHeight = "1.45", LetterSpacing = "0" },
        Caption = { FontSize = ".75rem", LineHeight = "1.4", LetterSpacing = "0" },
        Button = { FontSize = ".8125rem", FontWeight = "550", LineHeight = "1.6", LetterSpacing = "0", TextTransform = "none" },
    };

    private static LayoutProperties Layout() => new() { DefaultBorderRadius = "8px", DrawerWidthLeft = "232px", AppbarHeight = "56px" };
}
