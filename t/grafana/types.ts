// What t/211_dashboards.pl holds dashboards against: the types of @grafana/schema as JSON has them, where what is an enum is
// its values, and options of a panel may be left out.
import type { Dashboard, GraphFieldConfig, TableFieldOptions } from '@grafana/schema';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as TableOptions } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Written<T> = T extends string ? `${T}` : T extends number ? (number extends T ? number : `${T}` extends `${infer N extends number}` ? N : T)
	: T extends boolean | null | undefined ? T : T extends Array<infer E> ? Array<Written<E>> : T extends object ? { [K in keyof T]: Written<T[K]> } : T;
type Part<T> = T extends Array<infer E> ? Array<Part<E>> : T extends object ? { [K in keyof T]?: Part<T[K]> } : T;
type Options = { stat: StatOptions; table: TableOptions; timeseries: TimeSeriesOptions; row: Record<string, never> };
type Custom = { stat: Record<string, never>; table: TableFieldOptions; timeseries: GraphFieldConfig; row: Record<string, never> };

export type WrittenDashboard = Written<Dashboard>;
export type PanelOptions<Type extends keyof Options> = Written<Part<Options[Type]>>;
export type PanelCustom<Type extends keyof Custom> = Written<Part<Custom[Type]>>;
